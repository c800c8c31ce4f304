// npm's socket.io-client in its three modes at once, in the chat of host/examples: CHAT is that program. Each check is a
// line `ok ...` or `not ok ...`.
const assert = require('node:assert');
const { spawn } = require('node:child_process');
const readline = require('node:readline');
const { io } = require('socket.io-client');

console.log('version', require('socket.io-client/package.json').version);

const within = (what, promise) =>
  Promise.race([promise, new Promise((_, no) => setTimeout(no, 10000, new Error(`waited in vain: ${what}`)))]);

const MODES = { Ada: ['websocket'], Bob: ['polling'], Cy: ['polling', 'websocket'] };
const all = {};
let url, server;

// A client with what it has heard.
async function join(name, transports) {
  const socket = io(url, { transports, forceNew: true, reconnection: false, auth: { name } });
  const heard = [];
  const waiting = [];
  socket.onAny((...event) => {
    heard.push(event);
    waiting.forEach((look) => look());
  });
  // The events of a name that are not taken yet, as soon as there are so many.
  const take = (event, count = 1) => within(`${name}: ${count} of ${event}`, new Promise((yes) => {
    const look = () => {
      if (heard.filter(([what]) => what === event).length < count) return;
      waiting.splice(waiting.indexOf(look), 1);
      const taken = [];
      for (let i = 0; taken.length < count;) {
        if (heard[i][0] === event) taken.push(heard.splice(i, 1)[0].slice(1));
        else i += 1;
      }
      yes(taken);
    };
    waiting.push(look);
    look();
  }));
  await within(`${name} connects`, new Promise((yes, no) => socket.once('connect', yes).once('connect_error', no)));
  if (transports.length > 1 && socket.io.engine.transport.name !== 'websocket') {
    await within('upgrade', new Promise((yes) => socket.io.engine.once('upgrade', yes)));
  }
  return { socket, take, heard };
}

const checks = {
  'whoever comes is told to those who are there': async () => {
    for (const [name, transports] of Object.entries(MODES)) {
      const before = Object.values(all);
      all[name] = await join(name, transports);
      for (const { take } of before) assert.deepStrictEqual(await take('came'), [[name]]);
      assert(!all[name].heard.some(([what]) => what === 'came'));
    }
    assert.strictEqual(all.Ada.socket.io.engine.transport.name, 'websocket');
    assert.strictEqual(all.Bob.socket.io.engine.transport.name, 'polling');
  },
  'one without a name is refused': async () => {
    await assert.rejects(join(7, ['websocket']), { message: 'who are you?' });
  },
  'what one says the others hear, in order, while all speak': async () => {
    const count = 300;
    for (let n = 0; n < count; n += 1) {
      for (const [name, { socket }] of Object.entries(all)) socket.emit('say', `${name} ${n}`);
      if (n % 20 === 0) await new Promise((yes) => setTimeout(yes, 1));
    }
    for (const [name, { take }] of Object.entries(all)) {
      const said = await take('said', 2 * count);
      for (const other of Object.keys(all).filter((other) => other !== name)) {
        const texts = said.filter(([who]) => who === other).map(([, text]) => text);
        assert.deepStrictEqual(texts, [...Array(count).keys()].map((n) => `${other} ${n}`));
      }
    }
  },
  'bytes are heard as well': async () => {
    const bytes = Buffer.from([...Array(5000).keys()].map((n) => n & 255));
    all.Bob.socket.emit('say', bytes, 'and text');
    for (const { take } of [all.Ada, all.Cy]) {
      const [[who, heard, text]] = await take('said');
      assert(who === 'Bob' && bytes.equals(heard) && text === 'and text');
    }
  },
  'a whisper reaches one, and is acknowledged by what became of it': async () => {
    const whisper = (from, to) => all[from].socket.timeout(5000).emitWithAck('whisper', to, 'psst');
    for (const [from, to] of [['Ada', 'Bob'], ['Bob', 'Cy'], ['Cy', 'Ada']]) {
      assert.strictEqual(await whisper(from, to), true);
      assert.deepStrictEqual(await all[to].take('whispered'), [[from, 'psst']]);
    }
    assert.strictEqual(await whisper('Ada', 'nobody'), false);
  },
  'what the server itself says reaches all': async () => {
    server.stdin.write('Tea is "ready"\n');
    for (const { take } of Object.values(all)) assert.deepStrictEqual(await take('announced'), [['Tea is "ready"']]);
  },
  'whoever leaves is told, and the clock tells how many are there': async () => {
    all.Cy.socket.disconnect();
    delete all.Cy;
    for (const { take, heard } of Object.values(all)) {
      assert.deepStrictEqual(await take('left'), [['Cy']]);
      let present;
      do [[present]] = await take('present'); while (present !== 2);
      assert.deepStrictEqual(heard.filter(([what]) => what !== 'present'), []);
    }
  },
};

(async () => {
  server = spawn(process.env.CHAT, ['0'], { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = readline.createInterface({ input: server.stdout });
  [url] = await within('the server', new Promise((yes) => lines.once('line', (line) => yes(line.match(/127\.0\.0\.1:\d+/)))));
  url = `http://${url}`;
  for (const [name, body] of Object.entries(checks)) {
    try {
      await body();
      console.log(`ok ${name}`);
    } catch (error) {
      console.log(`not ok ${name}: ${error.message.replaceAll('\n', ' ')}`);
    }
  }
  server.kill();
  process.exit(0);
})();
