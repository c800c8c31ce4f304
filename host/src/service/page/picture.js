// A drawing that is sent as the bytes of its pixels, and drawn again from those that come back.
const canvas = $('canvas');
const paint = canvas.getContext('2d', { willReadFrequently: true });
const pen = { x: canvas.width / 2, y: canvas.height / 2 };

function clear() {
  paint.fillStyle = '#fff';
  paint.fillRect(0, 0, canvas.width, canvas.height);
}

function lineTo(x, y) {
  paint.beginPath();
  paint.moveTo(pen.x, pen.y);
  Object.assign(paint, { lineWidth: 6, lineCap: 'round', strokeStyle: '#0a5fd0' });
  paint.lineTo(x, y);
  paint.stroke();
  Object.assign(pen, { x, y });
}

function stroke(event) {
  if (!event.buttons) return;
  const box = canvas.getBoundingClientRect();
  const x = (event.clientX - box.left) * canvas.width / box.width;
  const y = (event.clientY - box.top) * canvas.height / box.height;
  if (event.type === 'pointerdown') {
    canvas.setPointerCapture(event.pointerId);
    Object.assign(pen, { x, y });
  }
  lineTo(x, y);
}

const ARROWS = { ArrowLeft: [-8, 0], ArrowRight: [8, 0], ArrowUp: [0, -8], ArrowDown: [0, 8] };
canvas.addEventListener('keydown', event => {
  const arrow = ARROWS[event.key];
  if (!arrow) return;
  event.preventDefault();
  const within = (value, most) => Math.min(Math.max(value, 0), most);
  lineTo(within(pen.x + arrow[0], canvas.width), within(pen.y + arrow[1], canvas.height));
});
canvas.addEventListener('pointerdown', stroke);
canvas.addEventListener('pointermove', stroke);
$('clear-canvas').addEventListener('click', clear);
$('send-canvas').addEventListener('click', () => {
  const image = paint.getImageData(0, 0, canvas.width, canvas.height).data;
  send(image, new Uint8Array(image.buffer), true);
});

function showPicture(bytes) {
  const pixels = new Uint8ClampedArray(bytes.buffer, bytes.byteOffset, bytes.length);
  $('echo').getContext('2d').putImageData(new ImageData(pixels, canvas.width), 0, 0);
}

clear();
