// The server of the stage, over `ws`; see run.
'use strict'
const { WebSocketServer } = require('ws')

const server = new WebSocketServer({ host: '127.0.0.1', port: 0 }, () =>
  console.log(`listening on ws://127.0.0.1:${server.address().port}/`))

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
