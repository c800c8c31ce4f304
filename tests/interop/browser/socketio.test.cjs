// The documents' page, word for word, from another origin than the server's: with WebSocket, and with polling alone; and the
// part of the built-in page that is there with a client script. The environment names the browser (CHROMIUM), the echo
// server's port (SOCKETIO) and its log (LOG), the port of one without a client script (PORT), and the folder for pictures
// (OUT).
'use strict';
const { test, before, after } = require('node:test');
const assert = require('node:assert/strict');
const fs = require('node:fs');
const http = require('node:http');
const path = require('node:path');
const { chromium } = require('playwright-core');

const { SOCKETIO: port, LOG: log, OUT: out } = process.env;
const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
  '--disable-background-networking', '--disable-component-update', '--disable-sync'];

const page = options => `<!doctype html>
<script src="http://localhost:${port}/socket.io/socket.io.js"></script>
<script>
  var socket = io.connect('http://localhost:${port}'${options});
  socket.on('news', function (data) {
    console.log(data);
    socket.emit('anotherNews', { my: 'data' });
  });
</script>
`;

let browser, pages;

before(async () => {
  browser = await chromium.launch({ executablePath: process.env.CHROMIUM, headless: true, args: FLAGS });
  pages = http.createServer((request, response) => {
    const options = request.url === '/polling' ? ", { transports: ['polling'] }" : '';
    response.setHeader('Content-Type', 'text/html');
    response.end(request.url.startsWith('/favicon') ? '' : page(options));
  });
  await new Promise(yes => pages.listen(0, '127.0.0.1', yes));
});
after(async () => {
  await browser?.close();
  pages?.close();
});

const until = async (what, condition) => {
  for (let n = 0; n < 400; n += 1) {
    const found = await condition();
    if (found) return found;
    await new Promise(yes => setTimeout(yes, 25));
  }
  throw new Error(`waited in vain: ${what}`);
};
const logged = text => fs.readFileSync(log, 'utf8').split(text).length - 1;

for (const [address, transport] of [['/', 'websocket'], ['/polling', 'polling']]) {
  test(`the documents' page over ${transport}`, async () => {
    const before = logged('event "anotherNews"');
    const tab = await (await browser.newContext()).newPage();
    const [said, complaints] = [[], []];
    tab.on('console', message => (message.type() === 'log' ? said.push(message.args()[0].jsonValue())
      : complaints.push(message.text())));
    tab.on('pageerror', error => complaints.push(String(error)));
    await tab.goto(`http://127.0.0.1:${pages.address().port}${address}`);
    await until('news', () => said.length);
    assert.deepEqual(await said[0], { hello: 'world' });
    await until('anotherNews in the log', () => logged('event "anotherNews"') > before);
    await until('the transport', () =>
      tab.evaluate(wanted => socket.io.engine.transport.name === wanted, transport));
    // And it comes back, with bytes, an acknowledgement and a second page beside it.
    const back = await tab.evaluate(() => new Promise(yes => {
      socket.once('bytes', data => yes([...new Uint8Array(data)]));
      socket.emit('bytes', new Uint8Array([1, 2, 3]));
    }));
    assert.deepEqual(back, [1, 2, 3]);
    assert.deepEqual(await tab.evaluate(() => socket.timeout(5000).emitWithAck('ask', 'you')), 'you');
    assert.deepEqual(complaints, []);
    await tab.context().close();
  });
}

// The built-in page, as a person uses it.
const visit = async (to, size) => {
  const tab = await (await browser.newContext({ viewport: size })).newPage();
  const [asked, complaints] = [[], []];
  tab.on('request', request => asked.push(new URL(request.url()).pathname));
  tab.on('console', message => {
    if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
  });
  tab.on('pageerror', error => complaints.push(String(error)));
  await tab.goto(`http://localhost:${to}/`);
  return { tab, asked, complaints };
};

test('the built-in page speaks Socket.IO where there is a client script', async () => {
  const { tab, complaints } = await visit(port, { width: 1100, height: 900 });
  const state = words => tab.waitForFunction(w => document.querySelector('#io-state').textContent.includes(w), words);
  const row = async (...cells) => {
    await tab.waitForFunction(wanted => {
      const line = document.querySelector('#io-log tr');
      return line && wanted.every((cell, i) => line.cells[[0, 1, 3][i]].textContent.includes(cell));
    }, cells);
    return tab.locator('#io-log tr').first().locator('td').allTextContents();
  };
  const connect = async (transports, namespace = '/') => {
    await tab.getByLabel('Namespace').fill(namespace);
    await tab.getByLabel('Transports').selectOption(transports);
    await tab.getByRole('button', { name: 'Connect', exact: true }).click();
  };
  const emit = async (name, args, bytes = '') => {
    await tab.getByLabel('Event').fill(name);
    await tab.getByLabel('Arguments').fill(args);
    await tab.getByLabel('Bytes after them').fill(bytes);
    await tab.getByRole('button', { name: 'Emit' }).click();
  };
  assert.equal(await tab.getByRole('button', { name: 'Emit' }).isDisabled(), true);

  await connect('polling websocket');
  await state('connected over websocket, id ');
  await tab.waitForFunction(() => [...document.querySelectorAll('#io-log tr')].some(line =>
    line.cells[1].textContent === 'news' && line.cells[3].textContent === '{"hello":"world"}'));
  await emit('something', '{"my":"data"}, 42, "<b>ü</b>"');
  await row('event', 'something', '{"my":"data"}, 42, "<b>ü</b>"');
  await emit('something', '', 'c0 ff ee');
  await row('event', 'something', '"bytes c0 ff ee"');
  await tab.getByLabel('ask for an acknowledgement').check();
  await emit('question', '[1,2]', '00 ff');
  const [, , time] = await row('ack', 'question', '[1,2], "bytes 00 ff"');
  assert.match(time, /^\d+(\.\d+)?$/);
  await tab.screenshot({ path: path.join(out, 'socketio.png'), fullPage: true });
  await emit('broken', '{');
  await row('refused', '', 'JSON');
  await tab.getByRole('button', { name: 'Disconnect' }).click();
  await row('disconnect', '', 'io client disconnect');
  await state('not connected');

  await connect('polling');
  await state('connected over polling, id ');
  await row('event', 'news', '{"hello":"world"}');
  await connect('websocket', '/nowhere');
  await row('connect_error', '', 'Invalid namespace');
  await state('not connected');
  assert.deepEqual(complaints, []);

  // As small as a telephone.
  await tab.setViewportSize({ width: 360, height: 740 });
  assert.equal(await tab.evaluate(() => document.documentElement.scrollWidth), 360);
  await tab.context().close();
});

test('without a client script the built-in page knows nothing of Socket.IO', async () => {
  const { tab, asked, complaints } = await visit(process.env.PORT);
  await tab.waitForFunction(() => document.querySelector('#state').textContent === '1 OPEN');
  assert.equal(await tab.locator('#socketio').count(), 0);
  assert.doesNotMatch(await tab.content(), /socket\.io/i);
  assert(!asked.some(name => name.startsWith('/socket.io')), asked.join(' '));
  assert.deepEqual(complaints, []);
  await tab.context().close();
});
