// socket.io as its documents write an echo server.
'use strict'
const { createServer } = require('node:http')
const { Server } = require('socket.io')

const server = createServer()
const io = new Server(server)
io.on('connection', (socket) => {
  socket.on('message', (argument) => socket.emit('message', argument))
  socket.on('question', (argument, acknowledge) => acknowledge(argument))
})
server.listen(0, '127.0.0.1', () => {
  console.error(`listening on ws://127.0.0.1:${server.address().port}/`)
})
