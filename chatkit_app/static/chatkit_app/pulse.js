/** Is anybody still at the other end? A line may die without a word, and the browser notice minutes later. */

import { Alarm } from "./alarm.js"

/** @import { Environment } from "./types.js" */

/** The server tells of a watched thread every two seconds: after so long there is reason to doubt. */
const SILENCE_MS = 12_000
/** How long somebody who is doubted may take to say anything. */
const DOUBT_MS = 4_000
/** On a line that nobody has spoken on for so long a question is reason enough. */
const STALE_MS = 20_000

export class Pulse {
  #env
  #isExpecting
  #probe
  #alarm
  #heardAt = 0
  /** Since when the server owes us anything. */
  #owedSince = 0
  #isDoubted = false

  /**
   * @param {object} options
   * @param {Environment} options.env
   * @param {() => boolean} options.isExpecting is there anything that the server owes us?
   * @param {() => void} options.probe says a word: a machine that has forgotten the line then ends it
   * @param {() => void} options.dead
   */
  constructor({ env, isExpecting, probe, dead }) {
    this.#env = env
    this.#isExpecting = isExpecting
    this.#probe = probe
    this.#alarm = new Alarm(env, () => this.#look(dead))
  }

  /** There is a line. */
  start() {
    this.heard()
    this.#alarm.set(SILENCE_MS)
  }

  stop() {
    this.#alarm.clear()
  }

  /** A frame came in, whatever it is. */
  heard() {
    this.#heardAt = this.#env.now()
    this.#isDoubted = false
  }

  /** Something is about to be asked. */
  asked() {
    if (this.#env.now() - this.#heardAt > STALE_MS) this.doubt()
  }

  /** Something happened after which lines are often dead: the page slept, the network changed. */
  doubt() {
    if (this.#isDoubted) return this.#alarm.check()
    this.#isDoubted = true
    this.#probe()
    this.#alarm.set(DOUBT_MS)
  }

  /** @param {() => void} dead */
  #look(dead) {
    const now = this.#env.now()
    if (!this.#isExpecting()) {
      this.#owedSince = now
      this.#isDoubted = false
    } else if (this.#isDoubted) return dead()
    const rest = Math.max(this.#heardAt, this.#owedSince) + SILENCE_MS - now
    if (rest > 0) this.#alarm.set(rest)
    else this.doubt()
  }
}
