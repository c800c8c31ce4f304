'use strict';
const { test } = require('node:test');
const assert = require('node:assert/strict');
const { holds, home, load, newest, now, open, picture, points, send, state } = require('./page.cjs');

test('the built-in page', async t => {
  await open(home, { viewport: { width: 1100, height: 860 } });

  await t.test('connects by itself', async () => {
    await state('1 OPEN');
    await newest('open', 'no subprotocol');
    await holds('#status', 'Connected');
  });
  await t.test('typing and the Enter key send a text', async () => {
    await now.page.getByLabel('Message', { exact: true }).fill('');
    const typed = 'typed by hand: grüße 👋 <b>&amp;</b>';
    await now.page.getByLabel('Message', { exact: true }).pressSequentially(typed);
    await now.page.keyboard.press('Enter');
    const cells = await newest('text', 'same');
    assert.deepEqual([cells[0], cells[1], cells[3], cells[4]],
      ['text', String(Buffer.byteLength(typed)), 'same', typed]);
    assert.ok(Number(cells[2]) >= 0 && cells[2] !== '', 'a round-trip time');
    await holds('#status', 'Received text');
  });
  await t.test('a script that comes back is text, not markup', async () => {
    for (const script of ['<script>document.title = "run"</script>', '<img src=x onerror="document.title = \'run\'">']) {
      await send(script);
      assert.equal((await newest('same', script))[4], script);
    }
    assert.equal(await now.page.locator('#log script, #log img, #log b, #status script').count(), 0);
    assert.equal(await now.page.title(), 'microws echo');
  });
  await t.test('an empty text comes back', async () => {
    await now.page.locator('#text').fill('');
    await now.page.getByRole('button', { name: 'Send', exact: true }).click();
    await now.page.waitForFunction(() => document.querySelector('#log tr').cells[1].textContent === '0');
  });
  await t.test('a long text is shortened', async () => {
    await send('👋'.repeat(5000));
    const [, bytes, , how, content] = await newest('20,000', 'same');
    assert.deepEqual([bytes, how, content], ['20,000', 'same', `${'👋'.repeat(99)}…`]);
  });
  await t.test('an ArrayBuffer comes back as one, a Blob as a Blob, with a hex view', async () => {
    await now.page.getByLabel('ArrayBuffer', { exact: true }).check();
    await send('0123456789abcdefXYZ');
    await newest('ArrayBuffer', '19', 'same');
    await now.page.locator('#binary-type').selectOption('blob');
    await now.page.getByLabel('Blob', { exact: true }).check();
    await send('0123456789abcdefXYZ');
    await newest('Blob', '19', 'same');
    const row = now.page.locator('#log tr').first();
    await row.locator('summary').focus();
    await now.page.keyboard.press('Enter');
    assert.match(await row.locator('pre').innerText(), /^0000 {2}30 31 .* 66 {2}0123456789abcdef\n0010 {2}58 59 5a +XYZ$/);
    await now.page.locator('#binary-type').selectOption('arraybuffer');
    await now.page.getByLabel('text', { exact: true }).check();
  });
  await t.test('every round trip is a point of the plot', async () => {
    const before = Number(await now.page.locator('#total').textContent());
    for (const text of ['one', 'two', 'three']) {
      await send(text);
      await newest(text, 'same');
    }
    await now.page.waitForFunction(n => document.querySelector('#total').textContent === String(n), before + 3);
    assert.equal(await points(), before + 3);
    for (const id of ['last', 'median', 'high']) assert.ok(Number(await now.page.locator(`#${id}`).textContent()) > 0, id);
    assert.match(await now.page.locator('#plot').getAttribute('aria-label'), /median [\d.]+ ms, 99 percent/);
  });
  await t.test('a drawing is sent as 512,000 bytes and drawn again', async () => {
    await now.page.locator('#canvas').scrollIntoViewIfNeeded();
    const box = await now.page.locator('#canvas').boundingBox();
    await now.page.mouse.move(box.x + 20, box.y + box.height / 2);
    await now.page.mouse.down();
    for (let i = 0; i <= 40; i++) {
      await now.page.mouse.move(box.x + 20 + i * (box.width - 40) / 40, box.y + box.height / 2 * (1 + 0.7 * Math.sin(i / 4)));
    }
    await now.page.mouse.up();
    await now.page.locator('#send-canvas').click();
    assert.equal((await newest('ArrayBuffer', '512,000'))[3], 'same');
    const [drawn, same] = await now.page.evaluate(() => {
      const [sent, back] = ['#canvas', '#echo'].map(id =>
        document.querySelector(id).getContext('2d').getImageData(0, 0, 400, 320).data);
      return [sent.some(byte => byte !== 255), sent.every((byte, i) => byte === back[i])];
    });
    assert.ok(drawn, 'the pointer left a line');
    assert.ok(same, 'the other canvas shows it');
  });
  await t.test('a chosen file is sent as a Blob', async () => {
    const buffer = Buffer.from(Array.from({ length: 300 * 1024 }, (_, i) => (i * 131 + (i >> 8)) & 255));
    await now.page.locator('#file').setInputFiles({ name: 'some.bin', mimeType: 'application/octet-stream', buffer });
    await now.page.locator('#send-file').click();
    assert.equal((await newest('ArrayBuffer', '307,200'))[3], 'same');
  });
  for (const [count, size, flight, kind] of [
    [1000, 1024, 32, 'binary'], [300, 100, 1000, 'text'], [50, 5, 1, 'text'], [20, 0, 4, 'text'], [20, 3, 4, 'binary'],
    [8, 2 ** 20, 4, 'binary'],
  ]) {
    await t.test(`a load of ${count} ${kind} messages of ${size} bytes, ${flight} in flight`, async () => {
      await load(count, size, flight, kind);
      await now.page.waitForFunction(() => !document.querySelector('#load-result').hidden);
      const all = count.toLocaleString('en');
      assert.match(await now.page.locator('#load-words').textContent(), new RegExp(`^${all} of ${all} echoes equal`));
      assert.equal(await now.page.locator('#progress').evaluate(bar => bar.value), 1);
      const figures = await now.page.locator('#load-result div').allTextContents();
      assert.equal(figures.length, 6);
      for (const figure of figures) assert.match(figure, /^(messages|each way|median|99 %|99\.9 %|longest)[\d.,]+ (\/s|MB\/s|ms)$/);
      await newest(kind, 'same', 'Load');
    });
  }
  await t.test('a load leaves the page alive, and can be stopped', async () => {
    await load(1_000_000, 16, 100, 'binary');
    const frames = await now.page.evaluate(() => new Promise(done => {
      let frames = 0;
      const next = () => ++frames === 5 ? done(frames) : requestAnimationFrame(next);
      next();
    }));
    assert.equal(frames, 5);
    assert.equal(await now.page.evaluate(() => document.activeElement.id), 'stop', 'the focus moves to what can be done');
    await now.page.keyboard.press('Enter');
    assert.match(await now.page.locator('#load-words').textContent(), /^Stopped after ([\d,]+) of 1,000,000: \1 of \1 echoes equal/);
    await send('after the load');
    await newest('after the load', 'same');
    assert.equal(await points() <= 600, true, 'the plot is bounded');
    await picture('page-light');
  });
  await t.test('close sends code and reason, and nothing can be sent then', async () => {
    await now.page.locator('#close-code').fill('3000');
    await now.page.locator('#close-reason').fill('enough');
    await now.page.locator('#close').click();
    await state('3 CLOSED');
    const cells = await newest('close', '3000 registered');
    assert.equal(cells[3], 'clean');
    for (const id of ['send-text', 'start', 'close']) assert.ok(await now.page.locator(`#${id}`).isDisabled(), id);
  });
  await t.test('a code that scripts may not use is refused without harm', async () => {
    await now.page.locator('#reconnect').click();
    await state('1 OPEN');
    await now.page.locator('#close-code').fill('1005');
    await now.page.locator('#close').click();
    await newest('close', 'refused');
    await state('1 OPEN');
  });
  await t.test('reconnect offers the subprotocols', async () => {
    await now.page.locator('#subprotocol').fill('unknown, echo-protocol');
    await now.page.locator('#reconnect').click();
    await holds('#protocol', '"echo-protocol"');
    await state('1 OPEN');
    await send('again');
    await newest('text', 'again', 'same');
  });
  await t.test('the table keeps the last 200', async () => {
    await now.page.evaluate(() => { for (let i = 0; i < 250; i++) document.querySelector('#text-form').requestSubmit(); });
    await now.page.waitForFunction(() => document.querySelectorAll('#log tr').length === 200);
  });
  await t.test('close 1000 is in words', async () => {
    await now.page.locator('#close-code').fill('1000');
    await now.page.locator('#close').click();
    await newest('close', '1000 normal closure, clean');
    await holds('#status', 'Closed: 1000 normal closure');
  });
  await t.test('every control has a name that a screen reader can say', async () => {
    const nameless = await now.page.evaluate(() => [...document.querySelectorAll('input, select, button, canvas, output, progress, svg')]
      .filter(element => !(element.labels?.length || element.textContent.trim() || element.ariaLabel))
      .map(element => element.id));
    assert.deepEqual(nameless, []);
  });
  await t.test('the browser complained of nothing', () => assert.deepEqual(now.complaints, []));
});

test('the page by keyboard alone', async t => {
  await open(home, { viewport: { width: 1100, height: 860 } });
  await state('1 OPEN');
  // Presses Tab until the focus is there; each stop must be visible.
  async function tabTo(id) {
    for (let i = 0; i < 60; i++) {
      await now.page.keyboard.press('Tab');
      const [at, outline] = await now.page.evaluate(() => [document.activeElement.id, getComputedStyle(document.activeElement).outlineStyle]);
      assert.notEqual(outline, 'none', `the focus on ${at} can't be seen`);
      if (at === id) return;
    }
    assert.fail(`Tab does not reach ${id}`);
  }
  await t.test('a message, a load and a drawing, in the order of the page', async () => {
    await tabTo('text');
    await now.page.keyboard.press('Enter');
    await newest('text', 'same');
    await tabTo('count');
    await now.page.keyboard.press('Enter');
    await holds('#load-words', '1,000 of 1,000 echoes equal');
    await tabTo('canvas');
    for (let i = 0; i < 5; i++) await now.page.keyboard.press('ArrowRight');
    await tabTo('send-canvas');
    await now.page.keyboard.press('Enter');
    await newest('512,000', 'same');
  });
  await t.test('then a fault', async () => {
    await tabTo('try-all');
    await now.page.keyboard.press('Tab');
    await now.page.keyboard.press('Enter');
    await holds('#fault-did', 'As it should.');
  });
});

test('the page on a phone', async t => {
  await open(`${home}?fragments=2`, { viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true, reducedMotion: 'reduce' });
  await holds('#fault-did', 'As it should.');
  await t.test('nothing is cut off, even by a long word', async () => {
    await send('w'.repeat(500));
    await newest('500', 'same');
    await now.page.getByLabel('ArrayBuffer', { exact: true }).check();
    await send('w'.repeat(500));
    await newest('ArrayBuffer', 'same');
    await now.page.locator('#log summary').first().tap();
    const summary = await now.page.locator('#log summary').first().boundingBox();
    assert.ok(summary.x + summary.width <= 360, 'the first bytes are folded');
    const [width, wide] = await now.page.evaluate(() => [innerWidth, document.documentElement.scrollWidth]);
    assert.deepEqual([width, wide], [360, 360]);
  });
  await t.test('a finger finds every control', async () => {
    const small = await now.page.evaluate(() => [...document.querySelectorAll('input, select, button, #faults a, #fault a')]
      .map(element => [element.type === 'radio' ? element.labels[0] : element, element])
      .filter(([target]) => target.getBoundingClientRect().height < 44)
      .map(([, element]) => element.id || element.textContent));
    assert.deepEqual(small, []);
  });
  await t.test('who wants less motion gets no transitions', async () =>
    assert.equal(await now.page.locator('#close').evaluate(button => getComputedStyle(button).transitionProperty), 'none'));
  await t.test('light and dark differ, each with contrast', async () => {
    await picture('page-phone');
    const brightness = () => now.page.evaluate(() => ['color', 'backgroundColor'].map(name =>
      getComputedStyle(document.body)[name].match(/\d+/g).slice(0, 3).reduce((sum, part) => sum + Number(part), 0) / 3));
    const [ink, paper] = await brightness();
    await now.page.emulateMedia({ colorScheme: 'dark' });
    const [darkInk, darkPaper] = await brightness();
    assert.ok(paper - ink > 150 && darkInk - darkPaper > 150, [ink, paper, darkInk, darkPaper].join());
    await picture('page-phone-dark');
    await now.page.setViewportSize({ width: 1100, height: 860 });
    await picture('page-dark');
  });
  await t.test('the browser complained of nothing', () => assert.deepEqual(now.complaints, []));
});
