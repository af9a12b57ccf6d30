/** A browser that tests drive: time that they move, sockets that they hold both ends of. */

import { createHash, webcrypto } from "node:crypto"

/** Time stands still until `pass`. */
export class FakeClock {
  now = 0
  /** As a hidden tab has them: timers ring at multiples of this alone. */
  slumber = 1
  #timers = new Map()
  #last = 0

  setTimeout = (run, ms) => {
    this.#last += 1
    const at = Math.ceil((this.now + ms) / this.slumber) * this.slumber
    this.#timers.set(this.#last, { run, at })
    return this.#last
  }

  clearTimeout = (timer) => {
    this.#timers.delete(timer)
  }

  get pending() {
    return this.#timers.size
  }

  /** Let so much time pass, with everything that is due in it, in order. */
  async pass(ms) {
    const end = this.now + ms
    for (;;) {
      await settle()
      const due = [...this.#timers].filter(([, { at }]) => at <= end)
      if (due.length === 0) break
      due.sort(
        ([one, { at: oneAt }], [other, { at: otherAt }]) =>
          oneAt - otherAt || one - other,
      )
      const [timer, { run, at }] = due[0]
      this.#timers.delete(timer)
      this.now = Math.max(this.now, at)
      run()
    }
    this.now = end
    await settle()
  }
}

/** The real one digests in a pool of threads, whose time no test can tell. */
const crypto = {
  getRandomValues: (bytes) => webcrypto.getRandomValues(bytes),
  subtle: {
    digest: async (_name, bytes) =>
      new Uint8Array(createHash("sha256").update(bytes).digest()).buffer,
  },
}

/** Everything that is only waiting for its turn gets it. */
export async function settle() {
  for (let turn = 0; turn < 5; turn += 1) {
    await new Promise((resolve) => setImmediate(resolve))
  }
}

/** What a tab keeps over a reload. */
export class FakeStorage {
  items = new Map()

  getItem(key) {
    return this.items.get(key) ?? null
  }

  setItem(key, text) {
    this.items.set(key, text)
  }

  removeItem(key) {
    this.items.delete(key)
  }

  /** As "Duplicate tab" does. */
  copy() {
    const copy = new FakeStorage()
    copy.items = new Map(this.items)
    return copy
  }
}

/** The page's end of a socket; `peer` is the server's. */
class FakeWebSocket extends EventTarget {
  constructor(url, network) {
    super()
    this.url = url
    this.isOpen = true
    network.accept(this)
  }

  send(text) {
    if (!this.isOpen) throw new Error("sent on a closed socket")
    this.peer?.receive(JSON.parse(text))
  }

  close(code = 1000) {
    if (!this.isOpen) return
    this.isOpen = false
    this.peer?.closed(code)
    queueMicrotask(() => this.#closed(code))
  }

  #closed(code) {
    this.dispatchEvent(Object.assign(new Event("close"), { code }))
  }

  /** The server's side says something. */
  push(frame) {
    if (!this.isOpen) return
    const data = typeof frame === "string" ? frame : JSON.stringify(frame)
    this.dispatchEvent(Object.assign(new Event("message"), { data }))
  }

  /** The server, or the line, ends it. */
  end(code) {
    if (!this.isOpen) return
    this.isOpen = false
    this.peer?.closed(code)
    this.#closed(code)
  }
}

/**
 * A browser's environment for one client.
 *
 * @param {{ accept(socket): void }} network where its sockets end
 */
export function fakeBrowser(network, clock, given = {}) {
  class WebSocket extends FakeWebSocket {
    constructor(url) {
      super(url, network)
    }
  }
  const storage = new FakeStorage()
  return {
    WebSocket,
    fetch: async () => {
      throw new TypeError("nothing is reachable")
    },
    setTimeout: clock.setTimeout,
    clearTimeout: clock.clearTimeout,
    now: () => clock.now,
    date: () => Date.UTC(2026, 0, 5) + clock.now,
    isHidden: () => false,
    isOnline: () => true,
    storage: () => storage,
    random: () => 0.5,
    warn: () => {},
    crypto,
    window: new EventTarget(),
    base: "https://shop.example/page/",
    ...given,
  }
}
