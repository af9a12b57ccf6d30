// What the viewer has seen: told to the server once for each answer, while somebody looks at the page.

/** @typedef {import("./element-types.js").ClientShape} ClientShape */

export class Reading {
  #mark
  /** What was last told of. */
  #told = ""

  /** @param {(thread: string) => Promise<unknown>} mark */
  constructor(mark) {
    this.#mark = mark
  }

  /**
   * @param {Pick<ClientShape, "threadId" | "thread" | "messages" | "run" | "isBusy">} client
   * @param {boolean} isSeen does anybody look at it?
   */
  follow({ threadId, thread, messages, run, isBusy }, isSeen) {
    const last = messages.filter(({ role }) => role === "assistant").at(-1)
    if (!isSeen || isBusy || !threadId || !thread || !last) return
    const now = [threadId, last.id, last.status, run?.id, run?.status].join(" ")
    if (now === this.#told) return
    this.#told = now
    // What is not told now is told with the next answer; the visitor has nothing to do about it.
    void this.#mark(threadId).catch(() => {})
  }
}
