const ACK_WITHIN = 10_000; // milliseconds
let client = null; // of Socket.IO

// How a value is shown: attachments are in hex.
const shown = value => JSON.stringify(value, (_, part) => part instanceof ArrayBuffer ? `bytes ${hex(new Uint8Array(part))}` : part);

function ioRow(what, name, time, content) {
  const line = document.createElement('tr');
  line.className = what === 'event' || what === 'ack' ? '' : 'note';
  for (const cell of [what, name, time === '' ? '' : ms(time), shortened(content)]) line.insertCell().append(cell);
  line.cells[2].className = 'n';
  $('io-log').prepend(line);
  while ($('io-log').rows.length > ROWS) $('io-log').deleteRow(-1);
}

function showClient() {
  const isOpen = client?.connected ?? false;
  $('io-emit').disabled = !isOpen;
  $('io-disconnect').disabled = !client?.active;
  const over = isOpen ? `connected over ${client.io.engine.transport.name}, id ${client.id}` : null;
  $('io-state').textContent = over ?? (client?.active ? 'connecting' : 'not connected');
}

// What a form makes of its fields: a line tells why it can't.
const ioForm = (form, act) => on(form, () => {
  try {
    act();
  } catch (error) {
    ioRow('refused', '', '', error.message);
  }
});

ioForm('io-open-form', () => {
  const auth = $('io-auth').value.trim() ? JSON.parse($('io-auth').value) : {};
  client?.disconnect();
  const since = performance.now();
  const mine = io($('io-namespace').value, { auth, forceNew: true, transports: $('io-transports').value.split(' ') });
  client = mine;
  mine.on('connect', () => {
    ioRow('connect', '', performance.now() - since, `${mine.io.engine.transport.name}, id ${mine.id}`);
    showClient();
    mine.io.engine.once('upgrade', transport => {
      ioRow('upgrade', '', performance.now() - since, transport.name);
      showClient();
    });
  });
  for (const name of ['connect_error', 'disconnect']) {
    mine.on(name, why => { ioRow(name, '', '', why.message ?? why); showClient(); });
  }
  mine.onAny((name, ...args) => ioRow('event', name, '', args.map(shown).join(', ')));
  showClient();
});
ioForm('io-emit-form', () => {
  const [name, since] = [$('io-event').value, performance.now()];
  const args = JSON.parse(`[${$('io-args').value}]`);
  const bytes = $('io-bytes').value.match(/[\da-f]{2}/gi);
  if (bytes) args.push(Uint8Array.from(bytes, digits => parseInt(digits, 16)));
  if (!$('io-ack').checked) {
    client.emit(name, ...args);
    return;
  }
  client.timeout(ACK_WITHIN).emit(name, ...args, (error, ...back) =>
    ioRow(error ? 'no ack' : 'ack', name, performance.now() - since, error?.message ?? back.map(shown).join(', ')));
});
$('io-disconnect').addEventListener('click', () => { client.disconnect(); showClient(); });
