// ws as an echo server with permessage-deflate at its defaults; "no-takeover" gives up context takeover.
'use strict'
const { WebSocketServer } = require('ws')

const serverNoContextTakeover = process.argv[2] === 'no-takeover'
const server = new WebSocketServer({
  host: '127.0.0.1',
  port: 0,
  perMessageDeflate: { serverNoContextTakeover },
})
server.on('listening', () => console.error(`listening on ws://127.0.0.1:${server.address().port}/`))
server.on('connection', (socket) => {
  socket.on('error', () => socket.terminate())
  socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }))
})
