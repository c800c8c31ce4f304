// What the tests of the page share: a browser, the page that is open in it, and what is done and seen there.
// The environment names the browser (CHROMIUM), the echo server's port (PORT), which takes TLS as well, the SHA-256 of its
// key in base64 (SPKI), the port of a server with TLS whose key is another (UNTRUSTED), and the folder for pictures (OUT).
'use strict';
const { before, after } = require('node:test');
const path = require('node:path');
const { chromium } = require('playwright-core');

const { PORT: port, SPKI: spki, OUT: out } = process.env;
const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
  '--disable-background-networking', '--disable-component-update', '--disable-sync',
  `--ignore-certificate-errors-spki-list=${spki}`];

// The page that is open, and what it complained of.
const now = { page: undefined, complaints: [] };
let browser;

before(async () => {
  browser = await chromium.launch({ executablePath: process.env.CHROMIUM, headless: true, args: FLAGS });
});
after(() => browser?.close());

async function open(address, options = {}) {
  await now.page?.context().close();
  const context = await browser.newContext(options);
  now.page = await context.newPage();
  now.page.setDefaultTimeout(20_000);
  now.complaints = [];
  now.page.on('console', message => {
    if (['error', 'warning'].includes(message.type())) now.complaints.push(message.text());
  });
  now.page.on('pageerror', error => now.complaints.push(String(error)));
  return now.page.goto(address);
}

// Waits until the newest row of the page's table holds these words.
async function newest(...words) {
  await now.page.waitForFunction(words => {
    const row = document.querySelector('#log tr');
    return row && words.every(word => row.textContent.includes(word));
  }, words);
  return now.page.locator('#log tr').first().locator('td').allTextContents();
}
const state = words => now.page.waitForFunction(w => document.querySelector('#state').textContent === w, words);
const holds = (selector, words) =>
  now.page.waitForFunction(([s, w]) => document.querySelector(s).textContent.includes(w), [selector, words]);
const points = () => now.page.evaluate(() => document.querySelector('#dots').getAttribute('d')?.split('M').length - 1 || 0);
const picture = name => now.page.screenshot({ path: path.join(out, `${name}.png`), fullPage: true });
const home = `http://localhost:${port}/`;

async function send(text) {
  await now.page.getByLabel('Message', { exact: true }).fill(text);
  await now.page.keyboard.press('Enter');
}
async function load(count, size, flight, kind) {
  for (const [id, value] of Object.entries({ count, size, flight })) await now.page.locator(`#${id}`).fill(String(value));
  await now.page.locator('#kind').selectOption(kind);
  await now.page.locator('#start').click();
}

module.exports = { holds, home, load, newest, now, open, picture, points, port, send, state };
