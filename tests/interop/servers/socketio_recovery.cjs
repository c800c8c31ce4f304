// A server of npm's `socket.io` with connection state recovery: it closes the transport of a client, and says something
// while that is away; see run.
'use strict'
const { createServer } = require('http')
const { Server } = require('socket.io')

const http = createServer()
const io = new Server(http, { pingInterval: 900, pingTimeout: 600, connectionStateRecovery: {} })

io.on('connection', (socket) => {
  if (socket.recovered) {
    console.log(`recovered with token ${socket.handshake.auth.token}`)
    socket.emit('leave')
    return
  }
  socket.join('readers')
  socket.on('hello', () => {
    socket.emit('seen', 1)
    socket.conn.close()
  })
  socket.on('disconnect', () => {
    io.to('readers').emit('missed', 2)
    io.to('readers').emit('missed', 3, Buffer.from([1, 2, 3]))
    io.to('others').emit('missed', 4)
  })
})

http.listen(0, '127.0.0.1', () => console.log(`listening on 127.0.0.1:${http.address().port}`))
