// The server of socketio_test.py, over npm's `socket.io`: says on stdout what happens in /sensors, an array of JSON to a
// line, and emits the command that a line of stdin is to the sensor, with what it acknowledges.
'use strict'
const { createServer } = require('node:http')
const { createInterface } = require('node:readline')
const { Server } = require('socket.io')

const say = (...what) => console.log(JSON.stringify(what))
const http = createServer()
const io = new Server(http, { pingInterval: 300, pingTimeout: 1700, transports: ['websocket'] })
const sensors = io.of('/sensors')
let sensor

sensors.use((socket, next) => {
  if (socket.handshake.auth.token === 'abc') return next()
  say('refused', socket.handshake.auth)
  next(new Error('no token'))
})
sensors.on('connection', (socket) => {
  sensor = socket
  say('connected', socket.conn.transport.name)
  socket.onAny((name, ...args) => say(name, ...args))
  socket.conn.on('heartbeat', () => say('heartbeat'))
  socket.on('disconnect', (reason) => say('disconnected', reason))
})

createInterface({ input: process.stdin }).on('line', (line) => {
  const [name, ...args] = JSON.parse(line)
  if (name === 'kick') return sensor.disconnect()
  sensor.timeout(3000).emit(name, ...args, (error, ...values) =>
    say('acknowledged', name, ...(error ? [error.message] : values)))
})

http.listen(Number(process.argv[2]), '127.0.0.1', () => say('listening', http.address().port))
