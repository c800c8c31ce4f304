// Chromium shows the dashboard of the firmware to two viewers. The environment names the browser (CHROMIUM), the port
// (PORT), how many readings to wait for (READINGS), and where the picture goes (PICTURE).
'use strict';
const { test, before, after } = require('node:test');
const assert = require('node:assert/strict');
const { chromium } = require('playwright-core');

const { PORT: port, READINGS: readings, PICTURE: picture } = process.env;
const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
  '--disable-background-networking', '--disable-component-update', '--disable-sync'];
const TIMEOUT = 120_000;

let browser;

before(async () => {
  browser = await chromium.launch({ executablePath: process.env.CHROMIUM, headless: true, args: FLAGS });
});
after(() => browser?.close());

// A browser of its own for each viewer: nothing is shared but the device.
async function look() {
  const context = await browser.newContext({ viewport: { width: 640, height: 420 }, deviceScaleFactor: 1 });
  const page = await context.newPage();
  page.setDefaultTimeout(TIMEOUT);
  const viewer = { page, received: [], complaints: [] };
  page.on('console', message => {
    if (['error', 'warning'].includes(message.type())) viewer.complaints.push(message.text());
  });
  page.on('pageerror', error => viewer.complaints.push(String(error)));
  page.on('websocket', socket => socket.on('framereceived', frame => viewer.received.push(frame.payload)));
  viewer.answer = await page.goto(`http://127.0.0.1:${port}/`);
  return viewer;
}

test('two viewers in Chromium', async t => {
  const viewers = [await look(), await look()];
  await t.test('the page comes compressed, and is shown', async () => {
    for (const { page, answer } of viewers) {
      assert.equal(answer.status(), 200);
      assert.equal(answer.headers()['content-encoding'], 'gzip');
      assert.equal(await page.title(), 'Dashboard');
    }
  });
  await t.test('the live reading changes without a reload', async () => {
    for (const { page } of viewers) {
      const seen = new Set();
      while (seen.size < 3) {
        seen.add(await page.locator('#celsius').textContent());
        await page.waitForFunction(last => document.getElementById('celsius').textContent !== last, [...seen].at(-1));
      }
      assert.equal(await page.locator('#state').textContent(), 'live');
      assert.match(await page.locator('#celsius').textContent(), /^\d\d\.\d °C$/);
      assert.match(await page.locator('#uptime').textContent(), /^\d+\.\d s$/);
    }
  });
  await t.test('both see the same readings', async () => {
    await viewers[0].page.waitForFunction(
      count => document.getElementById('curve').points.numberOfItems >= count, Number(readings));
    const [one, two] = viewers.map(viewer => [...viewer.received]);
    const common = two.filter(reading => one.includes(reading));
    assert.ok(common.length >= 3, `${one} and ${two}`);
    // From the first that both got on, until one of them has got the next already.
    const from = one.indexOf(common[0]);
    assert.deepEqual(one.slice(from, from + common.length), common);
    assert.deepEqual(two.slice(two.indexOf(common[0])).slice(0, common.length), common);
  });
  await t.test('there is a curve, and a picture of it', async () => {
    const [{ page }] = viewers;
    const box = await page.locator('#curve').boundingBox();
    assert.ok(box.width > 10 && box.height > 1, JSON.stringify(box));
    await page.screenshot({ path: picture });
  });
  await t.test('the browser complained of nothing', () => {
    for (const { complaints } of viewers) assert.deepEqual(complaints, []);
  });
});
