/** What the server rings for beside a thread: the viewer's list of threads, and what waits for them. */

/**
 * @import { Connection } from "./connection.js"
 * @import { Environment, RingFrame } from "./types.js"
 */

/** @type {readonly string[]} */
const RINGS = ["threads.changed", "approvals.changed"]

/** Asks each new socket once to be told, as soon as somebody listens. */
export class OwnerBell extends EventTarget {
  #listeners = 0
  #isAsked = false
  /** Of which the first ring has come on this socket: from then on nothing is missed. @type {Set<string>} */
  #heard = new Set()
  #connection
  #env

  /**
   * @param {Connection} connection
   * @param {Environment} env
   */
  constructor(connection, env) {
    super()
    this.#connection = connection
    this.#env = env
    connection.addEventListener("open", () => this.#ask())
    connection.addEventListener("down", () => {
      this.#isAsked = false
      this.#heard.clear()
    })
    // A line that has died meanwhile may have lost one, and is found dead later only.
    connection.addEventListener("awake", () => {
      for (const type of this.#heard) this.dispatchEvent(new Event(type))
    })
    connection.addEventListener("frame", (event) => {
      const { type } = /** @type {CustomEvent} */ (event).detail
      if (RINGS.includes(type)) this.#ring(type)
    })
  }

  /**
   * @param {RingFrame["type"]} type
   * @param {() => void} listener
   * @returns {() => void} undoes it
   */
  listen(type, listener) {
    let isOn = true
    const heard = () => {
      if (isOn) listener()
    }
    this.addEventListener(type, heard)
    this.#listeners += 1
    // Whoever comes late has not heard the first one.
    if (this.#heard.has(type)) this.#env.schedule(heard)
    this.#ask()
    return () => {
      if (isOn) this.#listeners -= 1
      isOn = false
      this.removeEventListener(type, heard)
    }
  }

  #ask() {
    if (this.#listeners === 0 || this.#isAsked) return
    this.#isAsked = this.#connection.tell({ type: "watch" })
  }

  /** @param {string} type */
  #ring(type) {
    this.#heard.add(type)
    this.dispatchEvent(new Event(type))
  }
}
