// The server of the stage, over `ws`; with CERT and KEY in the environment over TLS; see run.
'use strict'
const fs = require('node:fs')
const http = require('node:http')
const https = require('node:https')
const { WebSocketServer } = require('ws')

const { CERT, KEY } = process.env
const below = CERT
  ? https.createServer({ cert: fs.readFileSync(CERT), key: fs.readFileSync(KEY) })
  : http.createServer()
const server = new WebSocketServer({ server: below, perMessageDeflate: { threshold: 0 } })
below.listen(0, '127.0.0.1', () =>
  console.log(`listening on ${CERT ? 'wss' : 'ws'}://127.0.0.1:${below.address().port}/`))

server.on('connection', (socket) => {
  socket.on('message', (data, isBinary) => {
    switch (isBinary ? '' : data.toString()) {
      case 'ping me':
        socket.once('pong', (payload) => socket.send(`ponged ${payload}`))
        socket.ping('are you there?')
        break
      case 'fragments':
        socket.send('one, ', { fin: false })
        socket.send('two, ', { fin: false })
        socket.ping('between')
        socket.send('three', { fin: true })
        break
      case 'close me':
        socket.close(4001, 'as asked')
        break
      default:
        socket.send(data, { binary: isBinary })
    }
  })
  socket.on('error', (error) => console.log(`error ${error.message}`))
  socket.on('close', (code, reason) => console.log(`closed ${code} ${reason}`))
})
