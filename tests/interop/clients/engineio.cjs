// npm's engine.io-client in its three modes, against the example engineio of host/examples: ENGINEIO is that program. Each
// check is a line `ok ...` or `not ok ...`.
const assert = require('node:assert');
const { spawn } = require('node:child_process');
const readline = require('node:readline');
const { Socket } = require('engine.io-client');

console.log('version', require('engine.io-client/package.json').version);

const within = (what, promise) =>
  Promise.race([promise, new Promise((_, no) => setTimeout(no, 10000, new Error(`waited in vain: ${what}`)))]);
const once = (socket, name) => within(name, new Promise((yes) => socket.once(name, yes)));

const MODES = { websocket: ['websocket'], polling: ['polling'], upgrade: ['polling', 'websocket'] };
let url, transports, sockets;

// A client that has been greeted, and its messages, one after the other.
async function open() {
  const socket = new Socket(url, { transports });
  socket.binaryType = 'nodebuffer';
  sockets.push(socket);
  const came = [];
  let wake = () => {};
  socket.on('message', (message) => { came.push(message); wake(); });
  const next = () => within('a message', (async () => {
    while (came.length === 0) await new Promise((yes) => { wake = yes; });
    return came.shift();
  })());
  const upgraded = transports.length > 1 ? once(socket, 'upgrade') : null;
  assert.match(await next(), /^you are \d+ of \d+$/);
  await upgraded;
  return { socket, next };
}

const checks = {
  'text and bytes come back, whatever is in them': async () => {
    const { socket, next } = await open();
    const bytes = Buffer.from([...Array(300).keys()].map((n) => n & 255));
    for (const message of ['hello', '', 'ünï✓ 日本', '4', '{"a":1}', 'bYWJj', '2probe', bytes, Buffer.alloc(0), Buffer.from('4text')]) {
      socket.send(message);
      // The client gives an empty text as undefined.
      assert.deepStrictEqual((await next()) ?? '', message);
    }
    assert.strictEqual(socket.transport.name, transports.at(-1));
  },
  'large messages come back': async () => {
    const { socket, next } = await open();
    for (const length of [125, 4000, 20000, 70000, 700000]) {
      socket.send('é'.repeat(length / 2));
      assert.strictEqual(await next(), 'é'.repeat(length / 2));
      socket.send(Buffer.alloc(length, 7));
      assert(Buffer.alloc(length, 7).equals(await next()));
    }
  },
  'many messages keep their order, from the first moment on': async () => {
    const socket = new Socket(url, { transports });
    sockets.push(socket);
    const came = [];
    const done = within('the last', new Promise((yes) => socket.on('message', (message) => {
      came.push(message);
      if (message === 'last') yes();
    })));
    for (let n = 0; n < 1000; n += 1) {
      socket.send(`${n}`);
      if (n % 50 === 0) await new Promise((yes) => setTimeout(yes, 1));
    }
    socket.send('last');
    await done;
    assert.deepStrictEqual(came.slice(1), [...[...Array(1000).keys()].map(String), 'last']);
  },
  'what one sends reaches the others': async () => {
    const [one, two] = [await open(), await open()];
    one.socket.send('from one');
    one.socket.send(Buffer.from([1, 2, 3]));
    for (const { next } of [one, two]) {
      assert.strictEqual(await next(), 'from one');
      assert.deepStrictEqual(await next(), Buffer.from([1, 2, 3]));
    }
  },
  'an end by either side is seen': async () => {
    const { socket } = await open();
    const gone = once(socket, 'close');
    socket.send('goodbye');
    assert.match(await gone, /^transport (close|error)$|^forced close$/);
    const other = await open();
    const closed = once(other.socket, 'close');
    other.socket.close();
    assert.strictEqual(await closed, 'forced close');
  },
  'its sessions are none of Socket.IO': async () => {
    const { socket } = await open();
    const answer = await fetch(`${url}/socket.io/?EIO=4&transport=polling&sid=${socket.id}`);
    assert.strictEqual(answer.status, 404);
  },
};

(async () => {
  const server = spawn(process.env.ENGINEIO, ['0'], { stdio: ['ignore', 'pipe', 'inherit'] });
  const lines = readline.createInterface({ input: server.stdout });
  const [address] = await within('the server', new Promise((yes) => lines.once('line', (line) => yes(line.match(/127\.0\.0\.1:\d+/)))));
  url = `http://${address}`;
  for (const mode of Object.keys(MODES)) {
    transports = MODES[mode];
    for (const [name, body] of Object.entries(checks)) {
      sockets = [];
      try {
        await body();
        console.log(`ok ${mode}: ${name}`);
      } catch (error) {
        console.log(`not ok ${mode}: ${name}: ${error.message.replaceAll('\n', ' ')}`);
      }
      for (const socket of sockets) socket.close();
    }
  }
  server.kill();
  process.exit(0);
})();
