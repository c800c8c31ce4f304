// npm's socket.io-client against the echo server, in its three modes: WebSocket, polling, polling and then the upgrade.
// Each check is a line `ok ...` or `not ok ...`; the server's port is in SOCKETIO, and SCHEME is ws or wss.
const assert = require('node:assert');
const { io } = require('socket.io-client');
const url = `${process.env.SCHEME === 'wss' ? 'https' : 'http'}://127.0.0.1:${process.env.SOCKETIO}`;

console.log('version', require('socket.io-client/package.json').version);

const within = (what, promise) =>
  Promise.race([promise, new Promise((_, no) => setTimeout(no, 10000, new Error(`waited in vain: ${what}`)))]);
const once = (socket, name) => within(name, new Promise((yes) => socket.once(name, (...args) => yes(args))));

let mode;
const check = async (name, body) => {
  const sockets = [];
  const open = (namespace = '/', options = {}) => {
    const socket = io(url + namespace, { transports: mode.transports, forceNew: true, reconnection: false, ...options });
    sockets.push(socket);
    return socket;
  };
  try {
    await body(open);
    console.log(`ok ${mode.name}: ${name}`);
  } catch (error) {
    console.log(`not ok ${mode.name}: ${name}: ${error.message.replaceAll('\n', ' ')}`);
  }
  sockets.forEach((socket) => socket.disconnect());
};

const upgraded = async (socket) => {
  if (mode.name !== 'upgrade' || socket.io.engine.transport.name === 'websocket') return;
  await once(socket.io.engine, 'upgrade');
};

const checks = {
  'the news come when a client connects': async (open) => {
    const socket = open();
    const [news] = await once(socket, 'news');
    assert.deepStrictEqual(news, { hello: 'world' });
    assert(socket.connected && socket.id.length === 20);
  },
  'it uses the transports that it was told to': async (open) => {
    const socket = open();
    await once(socket, 'connect');
    await upgraded(socket);
    assert.strictEqual(socket.io.engine.transport.name, mode.name === 'polling' ? 'polling' : 'websocket');
  },
  'an event comes back with its arguments': async (open) => {
    const socket = open();
    await once(socket, 'connect');
    const sent = [1, 'two', { three: [3, null, true] }, 'ünï✓', [], 1e-7];
    socket.emit('everything', ...sent);
    assert.deepStrictEqual(await once(socket, 'everything'), sent);
  },
  'an event without arguments and one with an odd name come back': async (open) => {
    const socket = open();
    await once(socket, 'connect');
    for (const name of ['bare', 'a "quoted" name', 'tab\tand\\slash', '日本', '']) {
      const back = once(socket, name);
      socket.emit(name);
      assert.deepStrictEqual(await back, []);
    }
  },
  'an event that asks for it is acknowledged with its arguments': async (open) => {
    const socket = open();
    await once(socket, 'connect');
    const back = await within('ack', socket.timeout(5000).emitWithAck('question', 42, { a: 1 }));
    assert.deepStrictEqual(back, 42);
    const all = await within('ack', new Promise((yes) => socket.emit('q', 1, 'b', (...args) => yes(args))));
    assert.deepStrictEqual(all, [1, 'b']);
  },
  'binary attachments come back in events and in acknowledgements': async (open) => {
    const socket = open();
    await once(socket, 'connect');
    const bytes = Buffer.from([...Array(1000).keys()].map((n) => n & 255));
    socket.emit('binary', bytes, { deep: [Buffer.from('second')] }, 'text', Buffer.alloc(0));
    const [first, { deep: [second] }, text, empty] = await once(socket, 'binary');
    assert(bytes.equals(first) && second.toString() === 'second' && text === 'text' && empty.length === 0);
    const back = await within('ack', socket.timeout(5000).emitWithAck('binary', bytes));
    assert(bytes.equals(back));
  },
  'large events come back': async (open) => {
    const socket = open();
    await once(socket, 'connect');
    for (const length of [125, 4000, 20000, 70000, 400000]) {
      const text = 'é'.repeat(length / 2);
      socket.emit('large', text);
      assert.strictEqual((await once(socket, 'large'))[0], text);
      const bytes = Buffer.alloc(length, 7);
      socket.emit('large', bytes);
      assert(bytes.equals((await once(socket, 'large'))[0]));
    }
  },
  'many events keep their order, from the first moment on': async (open) => {
    const socket = open();
    const came = [];
    socket.on('n', (n) => came.push(n));
    const done = once(socket, 'last');
    // The first are sent before, during and after the upgrade.
    for (let n = 0; n < 1000; n += 1) {
      socket.emit('n', n);
      if (n % 50 === 0) await new Promise((yes) => setTimeout(yes, 1));
    }
    socket.emit('last');
    await done;
    assert.deepStrictEqual(came, [...Array(1000).keys()]);
  },
  'a client that disconnects is gone, and another one comes': async (open) => {
    const socket = open();
    await once(socket, 'connect');
    const reason = once(socket, 'disconnect');
    socket.disconnect();
    assert.strictEqual((await reason)[0], 'io client disconnect');
    socket.connect();
    await once(socket, 'connect');
  },
  'a namespace with its auth payload is joined, and an unknown one refused': async (open) => {
    const socket = open('/custom', { auth: { token: 'abc' } });
    await once(socket, 'connect');
    socket.emit('here', 1);
    assert.deepStrictEqual(await once(socket, 'here'), [1]);
    const other = open('/unknown');
    assert.strictEqual((await once(other, 'connect_error'))[0].message, 'Invalid namespace');
  },
  'two namespaces share a connection': async () => {
    const manager = new (require('socket.io-client').Manager)(url, { transports: mode.transports, reconnection: false });
    const [a, b] = [manager.socket('/'), manager.socket('/custom')];
    await Promise.all([once(a, 'connect'), once(b, 'connect')]);
    a.emit('x', 'a');
    b.emit('x', 'b');
    assert.deepStrictEqual(await Promise.all([once(a, 'x'), once(b, 'x')]), [['a'], ['b']]);
    a.disconnect();
    b.emit('y');
    await once(b, 'y');
    b.disconnect();
  },
  'heartbeats keep an idle client': async (open) => {
    const socket = open();
    await once(socket, 'connect');
    await upgraded(socket);
    let pings = 0;
    socket.io.on('ping', () => (pings += 1));
    await within('three pings', (async () => {
      while (pings < 3) await new Promise((yes) => setTimeout(yes, 20));
    })());
    assert(socket.connected);
    socket.emit('still', 'here');
    assert.deepStrictEqual(await once(socket, 'still'), ['here']);
  },
  'a reserved name ends the client': async (open) => {
    const socket = open();
    await once(socket, 'connect');
    await upgraded(socket);
    const gone = once(socket, 'disconnect');
    socket.io.engine.write('2["connect"]');
    assert((await gone)[0].startsWith('transport'));
  },
};

const modes = [
  { name: 'websocket', transports: ['websocket'] },
  { name: 'polling', transports: ['polling'] },
  { name: 'upgrade', transports: ['polling', 'websocket'] },
].filter(({ name }) => !process.env.MODE || process.env.MODE === name);

(async () => {
  for (mode of modes) {
    for (const [name, body] of Object.entries(checks)) await check(name, body);
  }
  process.exit(0);
})();
