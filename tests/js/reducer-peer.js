/**
 * A page for a test in another language, which plays the server: instructions come in a line of JSON
 * each, and what the page has sent meanwhile goes out. The client is the real one, its time is told.
 */

import { createInterface } from "node:readline"
import { ChatKitClient } from "../../chatkit_app/static/chatkit_app/client.js"
import { FakeClock, fakeBrowser, settle } from "./fake-browser.js"

/** The other end of every socket: it keeps what comes, and says what it is told to say. */
class Line {
  sent = []
  isUp = true
  /** So much was said to nobody. */
  missed = 0
  #socket = null

  accept(socket) {
    const receive = (frame) => this.sent.push(frame)
    const closed = () => {
      if (this.#socket === socket) this.#socket = null
    }
    socket.peer = { receive, closed }
    this.#socket = socket
    this.sent.push({ type: "opened" })
    queueMicrotask(() => {
      if (!this.isUp) return socket.end(1006)
      const hello = { protocol: 1, viewer: "u:1", maxFrameBytes: 65_536 }
      socket.push({ type: "hello", ...hello })
    })
  }

  push(text) {
    if (this.#socket) this.#socket.push(text)
    else this.missed += 1
  }

  end(code) {
    this.#socket?.end(code)
  }
}

let page = null

const acts = {
  open(thread) {
    page?.client.close()
    const [line, clock] = [new Line(), new FakeClock()]
    const browser = fakeBrowser(line, clock)
    const client = new ChatKitClient({ thread, ...browser })
    const told = []
    for (const type of ["effect", "notice"])
      client.addEventListener(type, ({ detail }) => told.push({ type, detail }))
    page = { line, clock, client, told, window: browser.window }
    client.connect()
  },
  push: (text) => page.line.push(text),
  cut: (code) => page.line.end(code),
  up(isUp) {
    page.line.isUp = isUp
    if (!isUp) page.line.end(1006)
  },
  pass: (ms) => page.clock.pass(ms),
  hidden(isHidden) {
    page.clock.slumber = isHidden ? 60_000 : 1
  },
  wake: () => page.window.dispatchEvent(new Event("visibilitychange")),
}

for await (const line of createInterface({ input: process.stdin })) {
  for (const [name, ...rest] of JSON.parse(line)) {
    await acts[name](...rest)
    await settle()
  }
  const { client } = page
  const { thread, messages, run, state, hasEarlier } = client
  const { missed } = page.line
  page.line.missed = 0
  const [sent, told] = [page.line.sent.splice(0), page.told.splice(0)]
  const interrupts = client.interrupts.map(({ toolCall: _, ...asked }) => asked)
  const shown = { thread, messages, run, state, hasEarlier, interrupts }
  process.stdout.write(`${JSON.stringify({ sent, missed, told, ...shown })}\n`)
}
