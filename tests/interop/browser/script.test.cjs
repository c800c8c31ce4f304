'use strict';
const { test } = require('node:test');
const assert = require('node:assert/strict');
const { now, open, port } = require('./page.cjs');

// The API as a script sees it. The script runs in a page of the server's own, since the page's policy and origin
// are part of what a user meets.
for (const secure of ['', 's']) test(`a script in the browser, over ws${secure}`, async t => {
  const url = `ws${secure}://localhost:${port}`;
  const answer = await open(`http${secure}://localhost:${port}/`);
  assert.equal(answer.status(), 200);
  assert.match(answer.headers()['content-type'], /^text\/html/);

  const run = await now.page.evaluate(async url => {
    const next = (target, name) => new Promise((yes, no) => {
      target.addEventListener(name, yes, { once: true });
      if (name !== 'close') target.addEventListener('close', () => no(new Error(`closed before ${name}`)), { once: true });
    });
    const same = (a, b) => a.length === b.length && a.every((byte, i) => byte === b[i]);
    const states = [], events = [];
    const socket = new WebSocket(url);
    for (const name of ['open', 'message', 'error', 'close']) socket.addEventListener(name, () => events.push(name));
    states.push(socket.readyState);
    await next(socket, 'open');
    states.push(socket.readyState);

    const text = 'something, Wörld 👋';
    socket.send(text);
    const string = (await next(socket, 'message')).data === text;

    const canvas = Object.assign(document.createElement('canvas'), { width: 400, height: 320 });
    const paint = canvas.getContext('2d');
    const colours = paint.createLinearGradient(0, 0, 400, 320);
    ['red', 'yellow', 'lime', 'cyan', 'blue'].forEach((colour, i) => colours.addColorStop(i / 4, colour));
    paint.fillStyle = colours;
    paint.fillRect(0, 0, 400, 320);
    const image = paint.getImageData(0, 0, 400, 320).data;
    socket.binaryType = 'arraybuffer';
    socket.send(image.buffer);
    const back = (await next(socket, 'message')).data;
    const buffer = { isBuffer: back instanceof ArrayBuffer, bytes: back.byteLength, same: same(new Uint8Array(back), image) };

    const random = new Uint8Array(300 * 1024);
    for (let i = 0; i < random.length; i += 65536) crypto.getRandomValues(random.subarray(i, i + 65536));
    socket.binaryType = 'blob';
    socket.send(new Blob([random]));
    const file = (await next(socket, 'message')).data;
    const blob = { isBlob: file instanceof Blob, bytes: file.size, same: same(new Uint8Array(await file.arrayBuffer()), random) };

    const closed = next(socket, 'close');
    socket.close(1000, 'bye');
    states.push(socket.readyState);
    const { code, wasClean } = await closed;
    states.push(socket.readyState);
    return { states, events, string, buffer, blob, code, wasClean };
  }, url);

  await t.test('readyState goes 0, 1, 2, 3', () => assert.deepEqual(run.states, [0, 1, 2, 3]));
  await t.test('events are open, message and close, none of error', () =>
    assert.deepEqual(run.events, ['open', 'message', 'message', 'message', 'close']));
  await t.test('a string comes back', () => assert.ok(run.string));
  await t.test('an ArrayBuffer of a canvas, 512,000 bytes, comes back', () =>
    assert.deepEqual(run.buffer, { isBuffer: true, bytes: 512_000, same: true }));
  await t.test('a Blob of 300 KiB comes back', () =>
    assert.deepEqual(run.blob, { isBlob: true, bytes: 307_200, same: true }));
  await t.test("close(1000, 'bye') is clean", () => assert.deepEqual([run.code, run.wasClean], [1000, true]));

  await t.test('messages are compressed, and come back as they were', async () => {
    const got = await now.page.evaluate(async url => {
      const socket = new WebSocket(url);
      socket.binaryType = 'arraybuffer';
      await new Promise((yes, no) => { socket.onopen = yes; socket.onerror = no; });
      const text = Array.from({ length: 20_000 }, (_, i) => `reading ${i}: ${i * i % 1009} grüße 👋\n`).join('');
      const bytes = new Uint8Array(2 ** 20).map((_, i) => i * i >> 7);
      const noise = new Uint8Array(2 ** 16);
      crypto.getRandomValues(noise);
      const same = [];
      for (const message of ['short', text.slice(0, 1000), text, bytes, noise]) {
        socket.send(message);
        const { data } = await new Promise(yes => { socket.onmessage = yes; });
        const back = typeof message === 'string' ? data : new Uint8Array(data);
        same.push(back.length === message.length && (typeof message === 'string' ? back === message : back.every((byte, i) => byte === message[i])));
      }
      socket.close();
      return { extensions: socket.extensions, same };
    }, url);
    assert.match(got.extensions, /^permessage-deflate(;|$)/);
    assert.deepEqual(got.same, [true, true, true, true, true]);
  });

  await t.test('a subprotocol is chosen among those offered, and codes 3000 and 4999 come back', async () => {
    const got = await now.page.evaluate(url => Promise.all([3000, 4999].map(code => new Promise(done => {
      const socket = new WebSocket(url, ['unknown', 'echo-protocol']);
      socket.onopen = () => socket.close(code);
      socket.onclose = event => done([socket.protocol, event.code, event.wasClean]);
    }))), url);
    assert.deepEqual(got, [['echo-protocol', 3000, true], ['echo-protocol', 4999, true]]);
  });
});
