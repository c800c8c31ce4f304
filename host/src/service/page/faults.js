// What a browser should do. `is` looks at the story of a connection, as `watch` tells it.
const GOES_ON = { should: 'go on: the echo is whole', is: story => story.echoes > 0 && !story.close };
const CLOSES = {
  should: 'close cleanly, with the code of the server',
  is: (story, query) => story.close?.wasClean && story.close.code === Number(query.get('close')),
};
const FAILS = {
  should: 'fail the connection: an error, then 1006, not clean',
  is: story => story.opened && story.error && story.close?.code === 1006,
};
const NEVER_OPENS = {
  should: 'not open: an error, then 1006, not clean',
  is: story => !story.opened && story.error && story.close?.code === 1006,
};
const ENDS = {
  should: 'notice the end: 1006, not clean',
  is: story => story.opened && story.close?.code === 1006,
};
const WAITS = {
  should: 'wait for echoes, and after close() end with 1006, not clean',
  quiet: true, // The page has to ask for the end.
  is: story => story.asked && story.close?.code === 1006,
};
const DROPS = {
  should: 'show nothing after the close frame: 1000, or 1006',
  is: story => story.extra === 0 && [1000, 1006].includes(story.close?.code),
};

// The faults of the server. The first parameter of the query names the fault.
const FAULTS = [
  ['fragments=2', '5.4', 'echoes in fragments of 2 bytes', GOES_ON],
  ['delay=500', '', 'echoes half a second later', GOES_ON],
  ['pace=20', '', 'sends a byte each 20 milliseconds', GOES_ON],
  ['ping=100', '', 'pings ten times a second', GOES_ON],
  ['interim', 'RFC 9110 15.2', 'sends 103 before 101', GOES_ON],
  ['close=4000&reason=bye', '7.4.2', 'closes', CLOSES],
  ['refuse=503', '4.1', 'refuses the request', NEVER_OPENS],
  ['wrong-accept', '4.2.2', 'sends the accept key of another request', NEVER_OPENS],
  ['subprotocol=soap', '4.2.2', 'agrees to a subprotocol that was not offered', NEVER_OPENS],
  ['reset', '7.1.7', 'resets the TCP connection', ENDS],
  ['silence', '5.5.1', 'says nothing any more, not even to a close frame', WAITS],
  ['close-unanswered', '5.5.1', 'answers no close frame', WAITS],
  ['illegal=after-close', '5.5.1', 'sends a message after a close frame', DROPS],
  ['illegal=masked', '5.1', 'sends a masked frame', FAILS],
  ['illegal=reserved-bit', '5.2', 'sets RSV2, which no extension has', FAILS],
  ['illegal=reserved-opcode', '5.2', 'uses opcode 3', FAILS],
  ['illegal=reserved-control', '5.2', 'uses opcode 11', FAILS],
  ['illegal=length-16', '5.2', 'writes a length of 5 in 2 bytes', FAILS],
  ['illegal=length-64', '5.2', 'writes a length of 5 in 8 bytes', FAILS],
  ['illegal=length-top-bit', '5.2', 'sets the top bit of a length', FAILS],
  ['illegal=continuation', '5.4', 'continues nothing', FAILS],
  ['illegal=interleaved', '5.4', 'puts a message inside another', FAILS],
  ['illegal=long-control', '5.5', 'sends a ping of 126 bytes', FAILS],
  ['illegal=fragmented-control', '5.5', 'sends a ping in fragments', FAILS],
  ['illegal=text', '8.1', 'sends text that is no UTF-8', FAILS],
  ['illegal=text-cut', '8.1', 'ends text in the middle of a character', FAILS],
  ['illegal=close-1005', '7.4.1', 'closes with 1005', FAILS],
  ['illegal=close-999', '7.4.2', 'closes with 999', FAILS],
  ['illegal=close-one-byte', '5.5.1', 'sends a close frame of one byte', FAILS],
  ['illegal=close-text', '5.5.1', 'closes with a reason that is no UTF-8', FAILS],
].map(([ask, section, does, browser]) => {
  const [name, value] = ask.split('&')[0].split('=');
  // A fault of the handshake, or of every echo, is not counted.
  const query = `?${ask}${/^(fragments|delay|pace|ping|interim|refuse|wrong-accept|subprotocol|close-unanswered)/.test(ask) ? '' : '&after=1'}`;
  return { name, value, label: name === 'illegal' ? value : name, query, section, does, browser };
});

// The faults that a query asks for: the value matters if the table has it, and always to `illegal`.
function faultsIn(query) {
  return [...query].flatMap(([name, value]) =>
    FAULTS.find(fault => fault.name === name && fault.value === value) ??
    FAULTS.find(fault => fault.name === name && name !== 'illegal') ?? []);
}

const PROBE = 'Hello';

// Sends what makes the fault come, with `say`, and tells `changed` the story of the connection so far.
function watch(socket, fault, query, say, changed) {
  const story = { opened: false, echoes: 0, extra: 0, error: false, close: null, asked: false, verdict: null };
  const due = Math.min(Math.max(1, Number(query.get('after')) || 0), 1000);
  const tell = over => {
    if (fault.browser.is(story, query)) story.verdict = true;
    else if ((story.close || over) && !story.verdict) story.verdict = false;
    changed(story);
  };
  const timer = setTimeout(tell, 8000, true);
  socket.addEventListener('open', () => {
    story.opened = true;
    say(PROBE);
    tell();
  });
  socket.addEventListener('message', event => {
    if (event.data === PROBE && story.echoes < due) {
      story.echoes++;
      if (story.echoes < due) say(PROBE);
      else if (fault.browser.quiet) {
        say(PROBE);
        setTimeout(() => { story.asked = true; socket.close(1000); }, 1000);
      }
    } else if (!story.verdict) story.extra++; // after that, they are the user's
    tell();
  });
  socket.addEventListener('error', () => { story.error = true; tell(); });
  socket.addEventListener('close', event => {
    clearTimeout(timer);
    story.close = event;
    tell();
  });
}

function storyWords({ opened, echoes, extra, error, asked, close, verdict }) {
  const words = [opened ? 'opened' : close ? 'did not open' : 'is connecting'];
  if (echoes) words.push(echoes === 1 ? 'got an echo' : `got ${echoes} echoes`);
  if (extra) words.push(`got ${extra} more`);
  if (asked) words.push('waited, called close()');
  if (error) words.push('error');
  if (close) words.push(`closed: ${closeWords(close)}`);
  const end = verdict === null ? ' …' : verdict ? '. As it should.' : close ? '. Not as it should.' : '. No fault came.';
  return words.join(', ') + end;
}

function showVerdict(element, story, words = storyWords(story)) {
  element.className = story.verdict === null ? '' : story.verdict ? 'yes' : 'no';
  element.textContent = words;
}

// The end of the story, for the table.
function endWords({ verdict, close }) {
  if (verdict === null) return '…';
  return `${verdict ? '✓' : '✗'} ${close ? closeWords(close) : verdict ? 'the echo is whole' : 'no fault came'}`;
}

// The table, in groups of what a browser should do, and the fault of this page's own connection.
const query = new URLSearchParams(location.search);
const asked = faultsIn(query);
const ruling = asked.findLast(fault => fault.browser !== GOES_ON) ?? asked[0];

for (const browser of new Set(FAULTS.map(fault => fault.browser))) {
  const title = document.createElement('h3');
  title.textContent = `A browser should ${browser.should}`;
  const list = document.createElement('ul');
  for (const fault of FAULTS.filter(fault => fault.browser === browser)) {
    const link = Object.assign(document.createElement('a'), { href: fault.query, textContent: fault.label, className: 'mono' });
    if (asked.includes(fault)) link.setAttribute('aria-current', 'page');
    const does = document.createElement('span');
    does.textContent = `${fault.does} (${fault.section})`;
    does.className = 'soft';
    fault.result = document.createElement('span');
    const item = document.createElement('li');
    item.append(link, does, fault.result);
    list.append(item);
  }
  const group = document.createElement('div');
  if (list.childElementCount > 2) group.className = 'wide';
  group.append(title, list);
  $('fault-groups').append(group);
}
if (location.search) {
  $('fault').hidden = false;
  $('fault-query').textContent = location.search;
  $('fault-does').textContent = asked.map(fault => fault.does).join('; ') || 'gets the query; this page knows no fault in it';
  $('fault-should').textContent = ruling?.browser.should ?? 'connect';
  if (ruling) document.title = `${ruling.label} · ${document.title}`;
}

let isTrying = false;
// One after another: a browser delays the next connection to a host where one has just failed.
$('try-all').addEventListener('click', async () => {
  if (isTrying) return; // not disabled, which would take the focus away
  isTrying = true;
  let good = 0;
  for (const [i, fault] of FAULTS.entries()) {
    $('tried').textContent = `Trying ${i + 1} of ${FAULTS.length}: ${fault.label}`;
    const story = await new Promise(done => {
      const socket = new WebSocket(address(fault.query));
      let ended = false;
      watch(socket, fault, new URLSearchParams(fault.query), text => socket.send(text), story => {
        if (ended) return;
        showVerdict(fault.result, story, endWords(story));
        if (story.verdict === null) return;
        ended = true;
        socket.close();
        done(story);
      });
    });
    good += story.verdict;
  }
  $('tried').textContent = `${good} of ${FAULTS.length} as they should.`;
  isTrying = false;
});
