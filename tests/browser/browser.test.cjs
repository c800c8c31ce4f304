// The environment names the browser (CHROMIUM), the echo server's port (PORT) and the folder for pictures (OUT).
'use strict';
const { test, before, after } = require('node:test');
const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { chromium } = require('playwright-core');

const { PORT: port, OUT: out } = process.env;
const url = `ws://localhost:${port}`;
const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
  '--disable-background-networking', '--disable-component-update', '--disable-sync'];

let browser, page, complaints;

before(async () => {
  browser = await chromium.launch({ executablePath: process.env.CHROMIUM, headless: true, args: FLAGS });
});
after(() => browser?.close());

async function open(address, options = {}) {
  await page?.context().close();
  const context = await browser.newContext(options);
  page = await context.newPage();
  page.setDefaultTimeout(20_000);
  complaints = [];
  page.on('console', message => {
    if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
  });
  page.on('pageerror', error => complaints.push(String(error)));
  return page.goto(address);
}

// The API as a script sees it. The script runs in a page of the server's own, since the page's policy and origin
// are part of what a user meets.
test('a script in the browser', async t => {
  const answer = await open(`http://localhost:${port}/`);
  assert.equal(answer.status(), 200);
  assert.match(answer.headers()['content-type'], /^text\/html/);

  const run = await page.evaluate(async url => {
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

  await t.test('a subprotocol is chosen among those offered, and codes 3000 and 4999 come back', async () => {
    const got = await page.evaluate(url => Promise.all([3000, 4999].map(code => new Promise(done => {
      const socket = new WebSocket(url, ['unknown', 'echo-protocol']);
      socket.onopen = () => socket.close(code);
      socket.onclose = event => done([socket.protocol, event.code, event.wasClean]);
    }))), url);
    assert.deepEqual(got, [['echo-protocol', 3000, true], ['echo-protocol', 4999, true]]);
  });
});

// Waits until the newest row of the page's table holds these words.
async function newest(...words) {
  await page.waitForFunction(words => {
    const row = document.querySelector('#log tr');
    return row && words.every(word => row.textContent.includes(word));
  }, words);
  return page.locator('#log tr').first().locator('td').allTextContents();
}
const state = words => page.waitForFunction(w => document.querySelector('#state').textContent === w, words);

test('the built-in page', async t => {
  await open(`http://localhost:${port}/`, { viewport: { width: 1000, height: 860 } });

  await t.test('connects by itself', async () => {
    await state('1 OPEN');
    await newest('open', 'no subprotocol');
  });
  await t.test('typing and the Enter key send a text', async () => {
    await page.getByLabel('Message').fill('');
    const typed = 'typed by hand: grüße 👋 <b>&amp;</b>';
    await page.getByLabel('Message').pressSequentially(typed);
    await page.keyboard.press('Enter');
    const cells = await newest('text', 'same');
    assert.deepEqual([cells[0], cells[1], cells[3], cells[4]],
      ['text', String(Buffer.byteLength(typed)), 'same', typed]);
    assert.ok(Number(cells[2]) >= 0 && cells[2] !== '', 'a round-trip time');
    assert.equal(await page.locator('#log b').count(), 0, 'what came back is text, not markup');
  });
  await t.test('an empty text comes back', async () => {
    await page.locator('#text').fill('');
    await page.getByRole('button', { name: 'Send text' }).click();
    await page.waitForFunction(() => document.querySelector('#log tr').cells[1].textContent === '0');
  });
  await t.test('a drawing is sent as 512,000 bytes', async () => {
    const box = await page.locator('#canvas').boundingBox();
    await page.mouse.move(box.x + 20, box.y + box.height / 2);
    await page.mouse.down();
    for (let i = 0; i <= 40; i++) {
      await page.mouse.move(box.x + 20 + i * (box.width - 40) / 40, box.y + box.height / 2 * (1 + 0.7 * Math.sin(i / 4)));
    }
    await page.mouse.up();
    const drawn = await page.evaluate(() => {
      const data = document.querySelector('#canvas').getContext('2d').getImageData(0, 0, 400, 320).data;
      return data.some(byte => byte !== 255);
    });
    assert.ok(drawn, 'the pointer left a line');
    await page.locator('#send-canvas').click();
    const cells = await newest('binary', '512000');
    assert.equal(cells[3], 'same');
  });
  await t.test('a chosen file is sent as a Blob', async () => {
    const buffer = Buffer.from(Array.from({ length: 300 * 1024 }, (_, i) => (i * 131 + (i >> 8)) & 255));
    await page.locator('#file').setInputFiles({ name: 'some.bin', mimeType: 'application/octet-stream', buffer });
    await page.locator('#send-file').click();
    const cells = await newest('binary', String(buffer.length));
    assert.equal(cells[3], 'same');
  });
  await t.test('close sends code and reason, and nothing can be sent then', async () => {
    await page.locator('#close-code').fill('3000');
    await page.locator('#close-reason').fill('enough');
    await page.locator('#close').click();
    await state('3 CLOSED');
    const cells = await newest('close', '3000');
    assert.equal(cells[3], 'clean');
    assert.ok(await page.locator('#send-text').isDisabled());
  });
  await t.test('a code that scripts may not use is refused without harm', async () => {
    await page.locator('#reconnect').click();
    await state('1 OPEN');
    await page.locator('#close-code').fill('1005');
    await page.locator('#close').click();
    await newest('close', 'refused');
    await state('1 OPEN');
  });
  await t.test('reconnect offers the subprotocols', async () => {
    await page.locator('#subprotocol').fill('unknown, echo-protocol');
    await page.locator('#reconnect').click();
    await state('1 OPEN · echo-protocol');
    await page.locator('#text').fill('again');
    await page.locator('#send-text').click();
    await newest('text', 'again', 'same');
  });
  await t.test('a fault on demand fails the connection, and the next page is sober', async () => {
    await page.getByRole('link', { name: 'reserved-bit', exact: true }).click();
    await state('1 OPEN');
    await page.locator('#text').fill('once');
    await page.locator('#send-text').click();
    await newest('close', '1006');
    await state('3 CLOSED');
    // The browser says which fault it saw.
    const [complaint] = complaints.splice(0);
    assert.match(complaint, /reserved bits are on: reserved1 = 1/);
    await page.getByRole('link', { name: 'none', exact: true }).click();
    await state('1 OPEN');
  });
  await t.test('every control has a name that a screen reader can say', async () => {
    const nameless = await page.evaluate(() => [...document.querySelectorAll('input, button, canvas, output')]
      .filter(element => !(element.labels?.length || element.textContent.trim() || element.ariaLabel))
      .map(element => element.id));
    assert.deepEqual(nameless, []);
  });
  await t.test('nothing is cut off on a phone', async () => {
    await page.screenshot({ path: path.join(out, 'page.png'), fullPage: true });
    await page.setViewportSize({ width: 360, height: 740 });
    const [width, wide] = await page.evaluate(() => [innerWidth, document.documentElement.scrollWidth]);
    assert.ok(wide <= width, `${wide} pixels wide on a screen of ${width}`);
    await page.emulateMedia({ colorScheme: 'dark' });
    await page.screenshot({ path: path.join(out, 'page-phone-dark.png'), fullPage: true });
    assert.ok(fs.statSync(path.join(out, 'page.png')).size > 0);
  });
  await t.test('the browser complained of nothing', () => assert.deepEqual(complaints, []));
});
