// Many messages. Each echo that comes back sends the next one, so that the page stays alive between them.
const FLIGHT_BYTES = 64 * 2 ** 20;
const calm = matchMedia('(prefers-reduced-motion: reduce)');
let load = null;

// Messages that differ from each other: the same bytes, with the number of the message in front.
function messages(size, isText) {
  if (isText) {
    const rest = 'abcdefghijklmnopqrstuvwxyz'.repeat(size / 26 + 1).slice(0, Math.max(0, size - 8));
    const make = i => (String(i % 1e8).padStart(8, '0') + rest).slice(-size || 8, size ? undefined : 8);
    return { make, matches: (i, data) => data === make(i) };
  }
  const stamped = Uint8Array.from({ length: size }, (_, at) => at * 131 + (at >> 8));
  const make = i => {
    for (let at = 0; at < Math.min(4, size); at++) stamped[at] = i >> (8 * at);
    return stamped;
  };
  return { make, matches: (i, data) => typeof data !== 'string' && sameBytes(make(i), new Uint8Array(data)) };
}

function startLoad() {
  const [count, size, flight] = ['count', 'size', 'flight'].map(id => $(id).valueAsNumber);
  const isText = $('kind').value === 'text';
  load = {
    count, size, isText, ...messages(size, isText), times: new Float64Array(count), sent: 0, back: 0, same: 0,
    // What is in flight waits in the browser and in the server: a bound to that memory.
    flight: Math.min(flight, Math.max(1, Math.floor(FLIGHT_BYTES / Math.max(1, size)))), began: performance.now(),
  };
  socket.binaryType = 'arraybuffer';
  $('load-result').hidden = true;
  $('load-words').className = 'soft';
  status(`Load: ${many(count)} messages of ${many(size)} bytes`);
  const hadFocus = document.activeElement === $('start');
  showState();
  if (hadFocus) $('stop').focus();
  pump();
  requestAnimationFrame(showProgress);
}

function pump() {
  while (load.sent < load.count && load.sent - load.back < load.flight) {
    const i = load.sent++;
    waiting.push({ load, i, bytes: NOTHING, at: performance.now() });
    socket.send(load.make(i));
  }
}

function loadEcho(sent, data, now) {
  if (sent.load !== load) return; // that run was stopped
  load.times[load.back++] = now - sent.at;
  load.same += load.matches(sent.i, data);
  addTrip(now - sent.at, calm.matches ? 1000 : 200);
  if (load.back === load.count) endLoad('');
  else pump();
}

function showProgress() {
  showSocket();
  if (!load) return;
  $('progress').value = load.back / load.count;
  $('load-words').textContent = `${many(load.back)} of ${many(load.count)} are back`;
  requestAnimationFrame(showProgress);
}

function endLoad(why) {
  if (!load) return;
  const { count, size, isText, times, back, same, flight, began } = load;
  const seconds = (performance.now() - began) / 1000;
  load = null;
  socket.binaryType = $('binary-type').value;
  $('progress').value = back / count;
  const good = same === back;
  const words = `${why && `${why} after ${many(back)} of ${many(count)}: `}${many(same)} of ${many(back)} echoes equal what was sent, in ${seconds.toFixed(2)} s, ${flight} in flight`;
  $('load-words').textContent = words;
  $('load-words').className = !good ? 'no' : why ? '' : 'yes';
  const sorted = times.subarray(0, back).sort();
  const figures = [['messages', many(Math.round(back / seconds)), '/s'], ['each way', ms(back * size / seconds / 1e6), 'MB/s']];
  if (back) {
    for (const [name, part] of [['median', 0.5], ['99 %', 0.99], ['99.9 %', 0.999], ['longest', 1]]) {
      figures.push([name, ms(percentile(sorted, part)), 'ms']);
    }
  }
  $('load-result').replaceChildren(...figures.map(([name, value, unit]) => {
    const [div, dt, dd, small] = ['div', 'dt', 'dd', 'small'].map(tag => document.createElement(tag));
    dt.textContent = name;
    small.textContent = ` ${unit}`;
    dd.append(value, small);
    div.append(dt, dd);
    return div;
  }));
  $('load-result').hidden = false;
  row(good ? 'same' : 'differs', isText ? 'text' : 'binary', size, back ? percentile(sorted, 0.5) : '', good ? 'same' : 'differs', `Load: ${words}`);
  status(`Load: ${words}`);
  // The button that is disabled next must not take the focus with it.
  const hadFocus = document.activeElement === $('stop');
  showState();
  if (hadFocus) $('start').focus();
}

on('load-form', startLoad);
$('stop').addEventListener('click', () => endLoad('Stopped'));
