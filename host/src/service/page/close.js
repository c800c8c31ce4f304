// Close codes: RFC 6455 section 7.4.1, and those that IANA has added since.
const CLOSE_CODES = {
  1000: ['normal closure', 'the work is done'],
  1001: ['going away', 'a server stops, or a page is left'],
  1002: ['protocol error', 'the peer broke a rule of the protocol'],
  1003: ['unsupported data', 'a kind of message that is not taken'],
  1004: ['reserved', 'has no meaning yet'],
  1005: ['no status received', 'the close frame had no code; never sent'],
  1006: ['abnormal closure', 'no close frame came; never sent'],
  1007: ['invalid payload data', 'text that is no UTF-8'],
  1008: ['policy violation', 'not allowed here'],
  1009: ['message too big', 'longer than is taken'],
  1010: ['mandatory extension', 'the client needs an extension'],
  1011: ['internal error', 'the server could not go on'],
  1012: ['service restart', 'connect again after a while'],
  1013: ['try again later', 'the server has too much to do'],
  1014: ['bad gateway', 'a proxy got no good answer'],
  1015: ['TLS handshake', 'TLS failed; never sent'],
};
const CLOSE_RANGES = [
  [1000, 'unused', 'never sent'],
  [3000, 'reserved', 'for later versions of the protocol'],
  [4000, 'registered', 'for libraries and frameworks, listed by IANA'],
  [5000, 'private use', 'agreed between a client and a server'],
];

const codeWords = code => CLOSE_CODES[code] ?? CLOSE_RANGES.find(([end]) => code < end)?.slice(1) ?? ['unknown', 'out of range'];

// A close event in words.
function closeWords({ code, reason, wasClean }) {
  return `${code} ${codeWords(code)[0]}, ${wasClean ? 'clean' : 'not clean'}${reason ? `, reason “${reason}”` : ''}`;
}

for (const [code, words] of [
  ...Object.entries(CLOSE_CODES),
  ...CLOSE_RANGES.slice(1).map(([end, ...words], i) => [`${i ? end - 1000 : 1016}–${end - 1}`, words]),
]) {
  const line = $('code-rows').insertRow();
  const meaning = document.createElement('div');
  meaning.textContent = words[1];
  meaning.className = 'soft';
  line.insertCell().append(code);
  line.insertCell().append(words[0], meaning);
  line.cells[0].className = 'mono';
}
