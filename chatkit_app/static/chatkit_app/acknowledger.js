/** What was applied is told to the server: often enough for its window, never a flood. */

import { Alarm } from "./alarm.js"

/** @import { Environment } from "./types.js" */

const ENOUGH_EVENTS = 20
const LATEST_MS = 1_000
/** A long replay would otherwise be acknowledged in more frames than the server allows in a second. */
const GAP_MS = 100

export class Acknowledger {
  #env
  #tell
  #alarm
  #position = 0
  /** As the server knows. */
  #told = 0
  #toldAt = Number.NEGATIVE_INFINITY
  /** Since when there is something to tell. */
  #freshAt = 0

  /**
   * @param {Environment} env
   * @param {(position: number) => void} tell
   */
  constructor(env, tell) {
    this.#env = env
    this.#tell = tell
    this.#alarm = new Alarm(env, () => this.tell())
  }

  /** The server was told by a subscribe. @param {number} position */
  begin(position) {
    this.stop()
    this.#position = this.#told = position
  }

  /** A snapshot is news, wherever it stands. @param {number} position */
  restarted(position) {
    this.#told = Math.min(this.#told, position - 1)
    this.#position = Math.min(this.#position, this.#told)
    this.applied(position)
  }

  /**
   * Where timers sleep, in a hidden tab, the events themselves see to it.
   *
   * @param {number} position
   */
  applied(position) {
    const now = this.#env.now()
    if (this.#position <= this.#told) this.#freshAt = now
    this.#position = position
    const fresh = position - this.#told
    if (fresh <= 0) return
    const dueAt =
      fresh < ENOUGH_EVENTS ? this.#freshAt + LATEST_MS : this.#toldAt + GAP_MS
    if (dueAt <= now) this.tell()
    else this.#alarm.setBy(dueAt - now)
  }

  /** Whatever is to be told, now. */
  tell() {
    this.#alarm.clear()
    if (this.#position <= this.#told) return
    this.#told = this.#position
    this.#toldAt = this.#env.now()
    this.#tell(this.#position)
  }

  check() {
    this.#alarm.check()
  }

  stop() {
    this.#alarm.clear()
  }
}
