// The last round trips, in a ring. The figures and the plot are of these, so that memory and time are bounded.
const trips = new Float64Array(600);
let tripsSoFar = 0;
let plotIsDue = false;

const ms = x => String(x < 100 ? Number(x.toPrecision(3)) : Math.round(x));
const many = n => n.toLocaleString('en');
const percentile = (sorted, part) => sorted[Math.max(0, Math.ceil(sorted.length * part) - 1)];

// While many come, a plot now and then is enough; it takes time from the messages.
function addTrip(time, wait = 0) {
  trips[tripsSoFar++ % trips.length] = time;
  if (plotIsDue) return;
  plotIsDue = true;
  setTimeout(requestAnimationFrame, wait, drawPlot);
}

// 1, 2, 5, 10 and so on, from the last that is not above `low` to the first that is not below `high`.
function steps(low, high) {
  const all = [];
  let at = 10 ** Math.floor(Math.log10(low));
  for (let i = 0; all.length === 0 || all.at(-1) < high; i++) {
    const next = at * [1, 2, 5][i % 3];
    if (next <= low) all.length = 0;
    all.push(next);
    if (i % 3 === 2) at *= 10;
  }
  return all;
}

function drawPlot() {
  plotIsDue = false;
  const count = Math.min(tripsSoFar, trips.length);
  const first = tripsSoFar - count;
  // A coarse clock may say 0, which a logarithmic scale has no place for.
  const values = Array.from({ length: count }, (_, i) => Math.max(0.005, trips[(first + i) % trips.length]));
  const sorted = Float64Array.from(values).sort();
  const scale = count ? steps(sorted[0] / 1.02, sorted[count - 1] * 1.02) : [0.1, 0.2, 0.5, 1];
  const [left, top, width, height] = [42, 8, $('plot').clientWidth - 50, $('plot').clientHeight - 16];
  const [low, high] = [Math.log(scale[0]), Math.log(scale.at(-1))];
  const y = value => (top + height * (high - Math.log(value)) / (high - low)).toFixed(1);
  // The first points fill the plot from the left; it shrinks once there are more.
  const x = i => (left + 4 + (width - 8) * i / (Math.max(count, 50) - 1)).toFixed(1);
  const across = value => `M${left} ${y(value)}h${width}`;
  const marks = scale.length > 7 ? scale.filter(value => /^0?\.?0*1/.test(value.toPrecision(1))) : scale;
  $('grid').setAttribute('d', marks.map(across).join(''));
  $('scale').replaceChildren(...marks.map(value => {
    const text = document.createElementNS('http://www.w3.org/2000/svg', 'text');
    text.setAttribute('x', left - 6);
    text.setAttribute('y', Number(y(value)) + 4);
    text.setAttribute('text-anchor', 'end');
    text.textContent = ms(value);
    return text;
  }));
  $('dots').setAttribute('d', values.map((value, i) => `M${x(i)} ${y(value)}h0`).join(''));
  if (!count) return;
  const [median, most] = [percentile(sorted, 0.5), percentile(sorted, 0.99)];
  $('median-line').setAttribute('d', across(median));
  $('high-line').setAttribute('d', across(most));
  $('last').textContent = ms(values[count - 1]);
  $('median').textContent = ms(median);
  $('high').textContent = ms(most);
  $('total').textContent = many(tripsSoFar);
  $('plot').setAttribute('aria-label', `Last ${count} round trips: median ${ms(median)} ms, 99 percent within ${ms(most)} ms`);
}
new ResizeObserver(drawPlot).observe($('plot'));
