'use strict';
const { test } = require('node:test');
const assert = require('node:assert/strict');
const { holds, home, newest, now, open, picture, state } = require('./page.cjs');

// What the page says of a fault in its own query, and of the close event.
test('the page with a fault in its query', async t => {
  for (const [code, name] of [[1001, 'going away'], [1002, 'protocol error'], [1012, 'service restart'], [4000, 'private use']]) {
    await t.test(`close ${code} is in words`, async () => {
      await open(`${home}?close=${code}&reason=bye&after=1`);
      await newest('close', `${code} ${name}, clean, reason “bye”`);
      await holds('#fault-did', 'As it should.');
    });
  }
  await open(home);
  const links = await now.page.locator('#faults li a').evaluateAll(links => links.map(link => [link.textContent, link.search]));
  assert.ok(links.length >= 25);
  for (const [name, query] of links) {
    await t.test(`${name} says what the browser did`, async () => {
      await open(home);
      await now.page.locator(`#faults li a[href="${query}"]`).click();
      await now.page.waitForURL(url => url.search === query);
      await now.page.waitForFunction(() => /\.$/.test(document.querySelector('#fault-did').textContent));
      const did = await now.page.locator('#fault-did').textContent();
      // Chromium takes an interim answer for the last, and says so on its console.
      assert.match(did, query === '?interim' ? /did not open, error, closed: 1006.* Not as it should\.$/ : /\. As it should\.$/);
      const ended = /closed: 1006 abnormal closure, not clean/;
      if (query.startsWith('?illegal')) assert.match(did, ended);
      if (/^\?(refuse|wrong-accept)/.test(query)) assert.match(did, /did not open, error, closed: 1006/);
      if (query.startsWith('?illegal=reserved-bit')) assert.match(now.complaints[0], /reserved bits are on: reserved1 = 0, reserved2 = 1/);
      assert.equal(await now.page.locator('#faults a[aria-current]').textContent(), name);
    });
  }
  await t.test('the way back leads to a page without a fault', async () => {
    await now.page.getByRole('link', { name: 'Back to a connection without faults' }).click();
    await state('1 OPEN');
    assert.ok(await now.page.locator('#fault').isHidden());
    assert.equal(new URL(now.page.url()).search, '');
  });
  await t.test('all can be tried at once, without leaving the page', async () => {
    await now.page.locator('#try-all').click();
    await now.page.waitForFunction(() => / as they should\.$/.test(document.querySelector('#tried').textContent), null, { timeout: 120_000 });
    assert.equal(await now.page.locator('#tried').textContent(), `${links.length - 1} of ${links.length} as they should.`);
    await state('1 OPEN');
    await picture('page-faults');
  });
});
