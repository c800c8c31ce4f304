// A Socket.IO server of the stage, over npm's `socket.io`; see run.
'use strict'
const { createServer } = require('http')
const { Server } = require('socket.io')

const http = createServer()
const io = new Server(http, { pingInterval: 900, pingTimeout: 600, connectTimeout: 5000 })

io.of('/secret').use((socket, next) => {
  if (socket.handshake.auth.token === 'abc') return next()
  next(Object.assign(new Error('no token'), { data: { code: 7 } }))
})

const same = (a, b) => JSON.stringify(a) === JSON.stringify(b)

for (const name of ['/', '/secret', '/kick']) {
  io.of(name).on('connection', (socket) => {
    socket.on('disconnect', (reason) => { socket.conn.why = reason })
    socket.on('hello', async (who, acknowledge) => {
      if (acknowledge) acknowledge({ for: who, bytes: Buffer.from([1, 2, 3]) }, 'x')
      if (name === '/kick') return socket.disconnect()
      const sent = [1, 'zwö', { bytes: Buffer.alloc(300, 7) }, [Buffer.alloc(0)]]
      const echo = (...args) => new Promise((resolve) => {
        socket.timeout(3000).emit('echo', ...args, (error, ...back) => resolve(error ?? back))
      })
      if (acknowledge) {
        if (!same(await echo(...sent), sent)) console.log('error the echo differs')
        if (!same(await echo(), [])) console.log('error the empty echo differs')
      }
      if (who === 'again' && process.argv[3] === 'stay') return
      // Two heartbeats later.
      setTimeout(() => socket.emit('leave'), who === 'again' ? 100 : 2000)
    })
  })
}

io.engine.on('connection', (raw) =>
  raw.on('close', (reason) => setImmediate(() => console.log(`closed ${raw.why ?? `unjoined, ${reason}`}`))))

http.listen(Number(process.argv[2] ?? 0), '127.0.0.1', () =>
  console.log(`listening on 127.0.0.1:${http.address().port}`))
