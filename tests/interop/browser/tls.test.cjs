'use strict';
const { test } = require('node:test');
const assert = require('node:assert/strict');
const { holds, load, newest, now, open, picture, port, send, state } = require('./page.cjs');

const { UNTRUSTED: untrusted } = process.env;

test('the built-in page over TLS', async t => {
  await t.test('a certificate that is not trusted is refused', () =>
    assert.rejects(open(`https://localhost:${untrusted}/`), /ERR_CERT_AUTHORITY_INVALID/));
  const answer = await open(`https://localhost:${port}/`, { viewport: { width: 1100, height: 860 } });
  const socket = now.page.waitForEvent('websocket');
  await now.page.reload();
  await t.test('it is loaded over TLS 1.3 and secure', async () => {
    assert.equal((await answer.securityDetails()).protocol, 'TLS 1.3');
    assert.ok(await now.page.evaluate(() => isSecureContext));
  });
  await t.test('it connects by wss', async () => {
    assert.equal((await socket).url(), `wss://localhost:${port}/`);
    await state('1 OPEN');
    await newest('open', 'no subprotocol');
  });
  await t.test('a text comes back', async () => {
    await send('over TLS: grüße 👋');
    assert.equal((await newest('text', 'grüße'))[3], 'same');
  });
  await t.test('a drawing comes back', async () => {
    await now.page.locator('#send-canvas').click();
    assert.equal((await newest('ArrayBuffer', '512,000'))[3], 'same');
  });
  for (const [count, size, flight] of [[1000, 1024, 32], [20, 2 ** 20, 4]]) {
    await t.test(`a load of ${count} binary messages of ${size} bytes, ${flight} in flight`, async () => {
      await load(count, size, flight, 'binary');
      const all = count.toLocaleString('en');
      await holds('#load-words', `${all} of ${all} echoes equal`);
    });
  }
  await t.test('close sends code and reason', async () => {
    await picture('page-tls');
    await now.page.locator('#close-code').fill('3000');
    await now.page.locator('#close-reason').fill('enough');
    await now.page.locator('#close').click();
    await state('3 CLOSED');
    assert.equal((await newest('close', '3000 registered'))[3], 'clean');
  });
  await t.test('the browser complained of nothing', () => assert.deepEqual(now.complaints, []));
  await t.test('every fault is what it should be', async () => {
    await now.page.locator('#reconnect').click();
    await state('1 OPEN');
    await now.page.locator('#try-all').click();
    const tried = () => now.page.locator('#tried').textContent();
    await now.page.waitForFunction(() => / as they should\.$/.test(document.querySelector('#tried').textContent), null, { timeout: 120_000 });
    // As without TLS: the interim answer is taken for the last.
    const [, good, all] = (await tried()).match(/^(\d+) of (\d+) as they should\.$/);
    assert.equal(Number(good), Number(all) - 1);
  });
});
