// The same checks for three clients in Node.js: npm's ws, npm's websocket, and the one that is built in.
// SCHEME in the environment is ws or wss, PLAIN, TAKEOVER and CHOSEN are the ports of the three servers. Over wss a fourth server is
// at UNTRUSTED, whose certificate nobody trusts; those of the others are in NODE_EXTRA_CA_CERTS.
'use strict';
const assert = require('node:assert/strict');
const { once } = require('node:events');
const crypto = require('node:crypto');

const { SCHEME, PLAIN, TAKEOVER, CHOSEN, UNTRUSTED } = process.env;
const ORIGIN = 'https://allowed.example';

// What every client below is made into: received messages and pongs wait in queues, so that none is missed.
class Queue {
  #items = [];
  #takers = [];
  put(item) {
    const taker = this.#takers.shift();
    if (taker) taker(item); else this.#items.push(item);
  }
  take() {
    return this.#items.length ? this.#items.shift() : new Promise(taker => this.#takers.push(taker));
  }
}
const queues = () => ({ messages: new Queue(), pongs: new Queue(), closed: new Queue() });

const clients = {
  ws: {
    version: () => require('ws/package.json').version,
    async connect(port, protocols = [], origin, perMessageDeflate = false) {
      const socket = new (require('ws'))(`${SCHEME}://127.0.0.1:${port}/`, protocols, { origin, maxPayload: 0, perMessageDeflate });
      const q = queues();
      socket.on('message', (data, binary) => q.messages.put(binary ? data : data.toString()));
      socket.on('pong', data => q.pongs.put(data));
      socket.on('close', (code, reason) => q.closed.put([code, reason.toString()]));
      await once(socket, 'open');
      return {
        ...q, protocol: socket.protocol, terms: socket._extensions['permessage-deflate']?.params,
        send: data => socket.send(data),
        ping: data => socket.ping(data),
        fragment: (data, fin) => socket.send(data, { fin }),
        close: (code, reason) => socket.close(code, reason),
        // Reads nothing until all is written.
        sendFirst: data => new Promise((sent, failed) => {
          socket.pause();
          socket.send(data, error => {
            socket.resume();
            if (error) failed(error); else sent();
          });
        }),
      };
    },
  },

  websocket: {
    version: () => require('websocket/package.json').version,
    async connect(port, protocols = [], origin) {
      const { client: Client, frame: Frame } = require('websocket');
      const client = new Client({ maxReceivedFrameSize: 2 ** 26, maxReceivedMessageSize: 2 ** 26, fragmentOutgoingMessages: false });
      client.connect(`${SCHEME}://127.0.0.1:${port}/`, protocols, origin);
      const q = queues();
      const connection = await new Promise((yes, no) => {
        client.on('connectFailed', no);
        client.on('connect', connection => { // at once, or a greeting that came with the head is missed
          connection.on('message', m => q.messages.put(m.type === 'utf8' ? m.utf8Data : m.binaryData));
          connection.on('pong', data => q.pongs.put(data));
          connection.on('close', (code, reason) => q.closed.put([code, reason]));
          yes(connection);
        });
      });
      let begun = false;
      return {
        ...q, protocol: connection.protocol ?? '',
        send: data => (typeof data === 'string' ? connection.sendUTF(data) : connection.sendBytes(data)),
        ping: data => connection.ping(data),
        fragment: (data, fin) => {
          const frame = new Frame(Buffer.alloc(4), Buffer.alloc(10), connection.config);
          frame.opcode = begun ? 0 : typeof data === 'string' ? 1 : 2;
          frame.fin = fin;
          frame.binaryPayload = Buffer.from(data);
          begun = !fin;
          connection.sendFrame(frame);
        },
        // It reads nothing once it has sent its close frame, and its event repeats its own code: what the server
        // answered is in the bytes that come until the server closes the connection.
        close: (code, reason) => {
          const received = [];
          connection.removeAllListeners('close');
          connection.socket.on('data', bytes => received.push(bytes));
          connection.on('close', () => {
            const frame = Buffer.concat(received);
            q.closed.put([frame[0] === 0x88 ? frame.readUInt16BE(2) : `no close frame: ${frame.toString('hex')}`, '']);
          });
          connection.close(code, reason);
        },
      };
    },
  },

  node: { // the interface of browsers: no pings and no fragments to be had, and no Origin to set
    version: () => process.version,
    async connect(port, protocols = []) {
      const socket = new WebSocket(`${SCHEME}://127.0.0.1:${port}/`, protocols);
      const q = queues();
      socket.binaryType = 'arraybuffer';
      socket.addEventListener('message', ({ data }) => q.messages.put(typeof data === 'string' ? data : Buffer.from(data)));
      socket.addEventListener('close', ({ code, reason, wasClean }) => q.closed.put([wasClean ? code : `not clean ${code}`, reason]));
      await new Promise((yes, no) => {
        socket.addEventListener('open', yes);
        socket.addEventListener('error', no);
      });
      return { ...q, protocol: socket.protocol, send: data => socket.send(data), close: (code, reason) => socket.close(code, reason) };
    },
  },
};

const name = process.argv[2];
const client = clients[name];
console.log('version', client.version());

let failed = false;
async function check(what, run) {
  let timer;
  const late = new Promise((_, no) => { timer = setTimeout(() => no(new Error('no answer for 60 s')), 60_000); });
  try {
    await Promise.race([run(), late]);
    console.log('ok', what);
  } catch (error) {
    failed = true;
    console.log('not ok', `${what}: ${String(error.message).replaceAll('\n', ' ').slice(0, 300)}`);
  } finally {
    clearTimeout(timer);
  }
}
const same = (got, sent) => {
  assert.equal(typeof got, typeof sent, 'text came back as text, binary as binary');
  assert.equal(got.length, sent.length);
  assert.ok(typeof sent === 'string' ? got === sent : Buffer.compare(got, sent) === 0, 'the bytes differ');
};
const closing = async (connection, code, reason) => {
  connection.close(code, reason);
  return (await connection.closed.take())[0];
};

// Messages compressed, with takeover and without, and with every window that zlib makes.
async function compressed() {
  const windows = [9, 10, 11, 12, 13, 14, 15].map(bits => ({ serverMaxWindowBits: bits, clientMaxWindowBits: bits }));
  const none = { serverNoContextTakeover: true, clientNoContextTakeover: true };
  const records = JSON.stringify(Array.from({ length: 12_000 }, (_, i) => ({ id: i, name: `sensor ${i % 17}`, value: i * i % 1009 })));
  const messages = ['', 'short', records.slice(0, 2000), records, records, crypto.randomBytes(100_000), Buffer.alloc(2 ** 22), 'zß水👋'.repeat(30_000)];
  for (const [how, port] of [['by itself', PLAIN], ['takeover', TAKEOVER]]) {
    for (const terms of [{}, none, ...windows]) {
      await check(`compressed, ${how}, ${JSON.stringify(terms)}`, async () => {
        const connection = await client.connect(port, [], undefined, { threshold: 0, ...terms });
        const agreed = connection.terms;
        assert.ok(agreed, 'no compression was agreed on');
        assert.equal(agreed.client_no_context_takeover === true, how === 'by itself' || terms === none);
        assert.equal(agreed.server_max_window_bits ?? 15, terms.serverMaxWindowBits ?? 15);
        for (const sent of messages) {
          connection.send(sent);
          same(await connection.messages.take(), sent);
        }
        messages.forEach(sent => connection.send(sent));
        for (const sent of messages) same(await connection.messages.take(), sent);
        connection.fragment(records.slice(0, 5000), false);
        connection.ping(Buffer.from('between'));
        connection.fragment('the end', true);
        assert.equal((await connection.pongs.take()).toString(), 'between');
        same(await connection.messages.take(), `${records.slice(0, 5000)}the end`);
        assert.equal(await closing(connection, 1000, ''), 1000);
      });
    }
  }
}

(async () => {
  const sizes = [0, 1, 125, 126, 127, 65535, 65536, 65537, 2 ** 20, 2 ** 24];
  let echo;
  await check('connects', async () => { echo = await client.connect(PLAIN); });
  if (!echo) process.exit(1);
  await check('none offered, no subprotocol', async () => assert.equal(echo.protocol, ''));
  for (const size of sizes) {
    for (const sent of [crypto.randomBytes(size), crypto.randomBytes(size).toString('latin1').replace(/[^a-z]/g, '-')]) {
      await check(`${typeof sent === 'string' ? 'text' : 'binary'} of ${size} bytes`, async () => {
        echo.send(sent);
        same(await echo.messages.take(), sent);
      });
    }
  }
  if (echo.sendFirst) {
    await check('64 MiB sent before anything is read', async () => {
      const sent = crypto.randomBytes(2 ** 26);
      await echo.sendFirst(sent);
      same(await echo.messages.take(), sent);
    });
  }
  await check('text of 1 to 4 bytes a character, cut anywhere', async () => {
    const sent = 'zß水👋'.repeat(30_000);
    echo.send(sent);
    same(await echo.messages.take(), sent);
  });
  await check('100 messages sent at once come back in order', async () => {
    const sent = Array.from({ length: 100 }, (_, i) => (i % 2 ? `message ${i}` : crypto.randomBytes(i * 100)));
    sent.forEach(message => echo.send(message));
    for (const message of sent) same(await echo.messages.take(), message);
  });
  if (echo.ping) {
    await check('ping', async () => {
      echo.ping(Buffer.from('are you there?'));
      assert.equal((await echo.pongs.take()).toString(), 'are you there?');
    });
    await check('ping of 125 bytes', async () => {
      const sent = crypto.randomBytes(125);
      echo.ping(sent);
      same(await echo.pongs.take(), sent);
    });
  }
  if (echo.fragment) {
    await check('a message in fragments with a ping in between', async () => {
      echo.fragment('half a ', false);
      echo.ping(Buffer.from('between'));
      echo.fragment('', false);
      echo.fragment('message', true);
      assert.equal((await echo.pongs.take()).toString(), 'between');
      same(await echo.messages.take(), 'half a message');
    });
    await check('a binary message in 1,000 fragments', async () => {
      const parts = Array.from({ length: 1000 }, () => crypto.randomBytes(100));
      parts.forEach((part, i) => echo.fragment(part, i === 999));
      same(await echo.messages.take(), Buffer.concat(parts));
    });
  }
  await check("close(1000, 'bye') is clean", async () => assert.equal(await closing(echo, 1000, 'bye'), 1000));
  for (const code of [3000, 4999]) {
    await check(`close(${code}) comes back`, async () => assert.equal(await closing(await client.connect(PLAIN), code, ''), code));
  }
  await check('a subprotocol is chosen among those offered', async () => {
    const connection = await client.connect(PLAIN, ['unknown', 'echo-protocol']);
    assert.equal(connection.protocol, 'echo-protocol');
    connection.send('agreed');
    same(await connection.messages.take(), 'agreed');
    assert.equal(await closing(connection, 1000, ''), 1000);
  });
  if (name === 'ws') await compressed();
  if (name !== 'node') {
    await check('a greeting, the subprotocol on request, and 1009 beyond the limit', async () => {
      const connection = await client.connect(CHOSEN, ['second'], ORIGIN);
      assert.equal(connection.protocol, 'second');
      same(await connection.messages.take(), 'something');
      const sent = crypto.randomBytes(1000);
      connection.send(sent);
      same(await connection.messages.take(), sent);
      connection.send(crypto.randomBytes(1001));
      assert.equal((await connection.closed.take())[0], 1009);
    });
    await check('another origin is refused', () =>
      assert.rejects(client.connect(CHOSEN, [], 'https://other.example'), /403/));
  }
  if (SCHEME === 'wss') {
    // The one that is built in does not tell why.
    await check('a certificate that is not trusted is refused', () =>
      assert.rejects(client.connect(UNTRUSTED), name === 'node' ? undefined : /self-signed certificate/));
  }
  process.exit(failed ? 1 : 0);
})();
