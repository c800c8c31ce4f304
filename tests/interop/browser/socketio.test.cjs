// The documents' page, word for word, from another origin than the server's: with WebSocket, and with polling alone. The
// environment names the browser (CHROMIUM), the echo server's port (SOCKETIO) and its log (LOG).
'use strict';
const { test, before, after } = require('node:test');
const assert = require('node:assert/strict');
const fs = require('node:fs');
const http = require('node:http');
const { chromium } = require('playwright-core');

const { SOCKETIO: port, LOG: log } = process.env;
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

for (const [path, transport] of [['/', 'websocket'], ['/polling', 'polling']]) {
  test(`the documents' page over ${transport}`, async () => {
    const before = logged('event "anotherNews"');
    const tab = await (await browser.newContext()).newPage();
    const [said, complaints] = [[], []];
    tab.on('console', message => (message.type() === 'log' ? said.push(message.args()[0].jsonValue())
      : complaints.push(message.text())));
    tab.on('pageerror', error => complaints.push(String(error)));
    await tab.goto(`http://127.0.0.1:${pages.address().port}${path}`);
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
