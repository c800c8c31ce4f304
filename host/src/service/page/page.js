const NAMES = ['CONNECTING', 'OPEN', 'CLOSING', 'CLOSED'];
const ROWS = 200;
const MOST_KEPT = 64 * 2 ** 20;
const NOTHING = new Uint8Array(0);
let socket = null;
let waiting = []; // what was sent and is not back yet: an echo server answers in order
let kept = 0; // bytes of that
let leave = null; // ends the listening to a socket

function showState() {
  const state = socket ? socket.readyState : WebSocket.CLOSED;
  $('state').dataset.state = state;
  $('state').textContent = `${state} ${NAMES[state]}`;
  for (const id of ['send-text', 'send-file', 'send-canvas', 'start']) $(id).disabled = state !== WebSocket.OPEN || load !== null;
  $('stop').disabled = load === null;
  $('close').disabled = state > WebSocket.OPEN;
  showSocket();
}

// What the socket says of itself; no event tells when bufferedAmount falls.
function showSocket() {
  $('protocol').textContent = JSON.stringify(socket?.protocol ?? '');
  $('extensions').textContent = JSON.stringify(socket?.extensions ?? '');
  const buffered = socket?.bufferedAmount ?? 0;
  $('buffered').textContent = many(buffered);
  if (buffered && !load && socket.readyState === WebSocket.OPEN) requestAnimationFrame(showSocket);
}

// A row of the table. Whatever came from outside goes in as text, never as markup.
function row(className, kind, bytes, time, how, content) {
  const line = document.createElement('tr');
  line.className = className;
  const cells = [kind, bytes === '' ? '' : many(bytes), time === '' ? '' : ms(time), how, content];
  for (const cell of cells) line.insertCell().append(cell);
  line.cells[1].className = line.cells[2].className = 'n';
  line.cells[1].dataset.unit = ' bytes';
  line.cells[2].dataset.unit = ' ms';
  line.cells[3].className = { same: 'yes', clean: 'yes' }[how] ?? 'no';
  $('log').prepend(line);
  while ($('log').rows.length > ROWS) $('log').deleteRow(-1);
}

const hex = bytes => [...bytes].map(byte => byte.toString(16).padStart(2, '0')).join(' ');

// The first bytes in one line, more of them when it is opened.
function hexView(bytes) {
  const short = hex(bytes.subarray(0, 16)) + (bytes.length > 16 ? ' …' : '');
  if (bytes.length <= 16) return short;
  const [details, summary, pre] = ['details', 'summary', 'pre'].map(tag => document.createElement(tag));
  summary.textContent = short;
  const lines = [];
  for (let at = 0; at < Math.min(bytes.length, 256); at += 16) {
    const part = bytes.subarray(at, at + 16);
    const letters = String.fromCharCode(...part).replace(/[^ -~]/g, '.');
    lines.push(`${at.toString(16).padStart(4, '0')}  ${hex(part).padEnd(47)}  ${letters}`);
  }
  if (bytes.length > 256) lines.push(`and ${many(bytes.length - 256)} bytes more`);
  pre.textContent = lines.join('\n');
  details.append(summary, pre);
  return details;
}

const shortened = text => text.length > 200 ? `${[...text.slice(0, 200)].slice(0, -1).join('')}…` : text;
const sameBytes = (a, b) => a.length === b.length && a.every((byte, i) => byte === b[i]);
const encode = text => new TextEncoder().encode(text);

function connect() {
  if (socket) {
    // The old one says nothing more; its load has ended with it.
    endLoad('Stopped');
    leave.abort();
    socket.close();
  }
  leave = new AbortController();
  waiting = [];
  kept = 0;
  const protocols = $('subprotocol').value.split(',').map(name => name.trim()).filter(Boolean);
  try {
    socket = new WebSocket(address(location.search), protocols);
  } catch (error) { // a name that is no token, or one named twice
    socket = null;
    row('note', 'open', '', '', 'refused', error.message);
    status(`Not connected: ${error.message}`);
    showState();
    return;
  }
  socket.binaryType = $('binary-type').value;
  const since = performance.now();
  const hear = (name, act) => socket.addEventListener(name, act, { signal: leave.signal });
  hear('open', () => {
    const agreed = socket.protocol ? `subprotocol ${socket.protocol}` : 'no subprotocol';
    row('note', 'open', '', performance.now() - since, '', agreed);
    status(`Connected, ${agreed}`);
    showState();
  });
  hear('message', event => received(event.data, performance.now()));
  hear('error', () => {
    row('note', 'error', '', '', '', 'A script is not told why; the console of the browser is.');
    showState();
  });
  hear('close', event => {
    endLoad('The connection ended');
    const lost = waiting.length ? `; without an echo: ${many(waiting.length)}` : '';
    row('note', 'close', '', '', event.wasClean ? 'clean' : 'not clean', closeWords(event) + lost);
    status(`Closed: ${closeWords(event)}${lost}`);
    waiting = [];
    kept = 0;
    showState();
  });
  const mine = socket;
  const say = text => { if (socket === mine) send(text, encode(text)); };
  if (ruling) watch(mine, ruling, query, say, story => { if (socket === mine) showVerdict($('fault-did'), story); });
  showState();
}

async function received(data, now) {
  const sent = waiting.shift();
  if (sent?.load) {
    loadEcho(sent, data, now);
    return;
  }
  if (sent) {
    kept -= sent.bytes.length;
    addTrip(now - sent.at);
  }
  const isText = typeof data === 'string';
  const kind = isText ? 'text' : data instanceof Blob ? 'Blob' : 'ArrayBuffer';
  const bytes = isText ? encode(data) : new Uint8Array(data instanceof Blob ? await data.arrayBuffer() : data);
  const same = sent && sent.isText === isText && sameBytes(sent.bytes, bytes);
  const how = same ? 'same' : sent ? 'differs' : 'not asked for';
  if (same && sent.isPicture) showPicture(bytes);
  row('', kind, bytes.length, sent ? now - sent.at : '', how, isText ? shortened(data) : hexView(bytes));
  status(`Received ${kind} of ${many(bytes.length)} bytes, ${how}${sent ? `, after ${ms(now - sent.at)} ms` : ''}`);
}

// Sends a message and keeps its bytes, to compare them with the echo.
function send(message, bytes, isPicture = false) {
  if (kept + bytes.length > MOST_KEPT) {
    status(`Not sent: at most ${many(MOST_KEPT)} bytes may wait for their echoes`);
    return;
  }
  kept += bytes.length;
  waiting.push({ isText: typeof message === 'string', bytes, isPicture, at: performance.now() });
  socket.send(message);
  showSocket();
}

on('text-form', () => {
  const bytes = encode($('text').value);
  const as = document.querySelector('[name=as]:checked').value;
  send(as === 'text' ? $('text').value : as === 'buffer' ? bytes.buffer : new Blob([bytes]), bytes);
});
on('file-form', async () => {
  const file = $('file').files[0];
  if (!file) { $('file').click(); return; }
  const to = socket;
  // A file too long to be kept is not read.
  const bytes = file.size > MOST_KEPT ? { length: file.size } : new Uint8Array(await file.arrayBuffer());
  if (to === socket && socket.readyState === WebSocket.OPEN) send(file, bytes);
});
on('open-form', connect);
$('binary-type').addEventListener('change', () => { if (socket && !load) socket.binaryType = $('binary-type').value; });
on('close-form', () => {
  try {
    socket.close(Number($('close-code').value), $('close-reason').value);
  } catch (error) { // only 1000 and 3000 to 4999, and a reason of at most 123 bytes
    row('note', 'close', '', '', 'refused', error.message);
    status(`Not closed: ${error.message}`);
  }
  showState();
});
