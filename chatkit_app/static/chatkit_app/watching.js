/** Hearing of lists: the viewer's threads, and what waits for their approval. */

/** @import { OwnerBell } from "./owner-bell.js" */

/** Its listeners are typed by the event's name. */
const ClientTarget = /** @type {new () => import("./typed.js").ClientTarget} */ (
  EventTarget
)

/** @abstract */
export class Watching extends ClientTarget {
  /** What rings for the lists; whoever has a line has one. @type {OwnerBell | null} */
  bell = null

  /**
   * Hear when the viewer's list of threads is another one, once to begin with and after each
   * reconnect: read it again. At most once a second.
   *
   * @param {() => void} listener
   * @returns {() => void} undoes it
   */
  watchThreads(listener) {
    return this.#bell.listen("threads.changed", listener)
  }

  /**
   * The same for what waits in the threads of others for an approval that the viewer may decide on;
   * of a visitor's nothing does.
   *
   * @param {() => void} listener
   * @returns {() => void} undoes it
   */
  watchApprovals(listener) {
    return this.#bell.listen("approvals.changed", listener)
  }

  get #bell() {
    if (this.bell === null) throw new TypeError("Whoever watches says what rings.")
    return this.bell
  }
}
