/** A timer that a sleeping page makes up for: hidden tabs' timers come late, frames do not. */

/** @import { Environment } from "./types.js" */

export class Alarm {
  #env
  #run
  /** @type {unknown} */
  #timer = undefined
  #at = Number.POSITIVE_INFINITY

  /**
   * @param {Pick<Environment, "setTimeout" | "clearTimeout" | "now">} env
   * @param {() => void} run
   */
  constructor(env, run) {
    this.#env = env
    this.#run = run
  }

  get isSet() {
    return this.#timer !== undefined
  }

  /** In place of what it was set to. @param {number} ms */
  set(ms) {
    this.clear()
    this.#at = this.#env.now() + ms
    this.#timer = this.#env.setTimeout(() => this.#ring(), ms)
  }

  /** Unless it comes sooner anyway. @param {number} ms */
  setBy(ms) {
    if (this.#env.now() + ms < this.#at) this.set(ms)
  }

  /** Something has come in, or the page is looked at again: what is due is done now. */
  check() {
    if (this.#env.now() >= this.#at) this.#ring()
  }

  clear() {
    if (this.#timer !== undefined) this.#env.clearTimeout(this.#timer)
    this.#timer = undefined
    this.#at = Number.POSITIVE_INFINITY
  }

  #ring() {
    this.clear()
    this.#run()
  }
}
