/** Commands until they are accepted or refused: after a reconnect they are sent again, ids and all. */

import { ChatKitError } from "./protocol.js"

/** @import { AcceptedFrame, Command, ErrorFrame } from "./types.js" */

/**
 * @typedef {object} Entry
 * @property {Command} command
 * @property {boolean} repeat
 * @property {(frame: AcceptedFrame) => void} resolve
 * @property {(error: ChatKitError) => void} reject
 */

export class Outbox {
  /** @type {Map<string, Entry>} */
  #entries = new Map()
  #tell

  /**
   * @param {(command: Command) => boolean} tell sends it now if there is a connection; throws a
   *   `ChatKitError` for what can't be sent at all
   */
  constructor(tell) {
    this.#tell = tell
  }

  /**
   * The server does a command once, however often it comes with the same id.
   *
   * @param {Command} command
   * @param {{ repeat?: boolean }} [options] `repeat: false`: after a disconnect its moment is over;
   *   it is refused as `disconnected`
   * @returns {Promise<AcceptedFrame>} rejects with a `ChatKitError`
   */
  ask(command, { repeat = true } = {}) {
    return new Promise((resolve, reject) => {
      this.#entries.set(command.id, { command, repeat, resolve, reject })
      const isSent = this.#send(command)
      if (!isSent && !repeat) this.#refuse(command.id, disconnected())
    })
  }

  /** @param {AcceptedFrame | ErrorFrame} frame */
  settle(frame) {
    if (frame.id === undefined) return
    const entry = this.#entries.get(frame.id)
    if (!entry) return
    this.#entries.delete(frame.id)
    if (frame.type === "accepted") entry.resolve(frame)
    else entry.reject(new ChatKitError(frame.code, frame.message, frame.retryMs))
  }

  /** The connection is there again. */
  resend() {
    for (const { command } of [...this.#entries.values()]) this.#send(command)
  }

  /** The connection is lost: what may be repeated stays. */
  disconnected() {
    for (const [id, { repeat }] of [...this.#entries]) {
      if (!repeat) this.#refuse(id, disconnected())
    }
  }

  /** @param {ChatKitError} error why nothing will be sent any more */
  abandon(error) {
    for (const id of [...this.#entries.keys()]) this.#refuse(id, error)
  }

  /** @param {Command} command */
  #send(command) {
    try {
      return this.#tell(command)
    } catch (error) {
      if (!(error instanceof ChatKitError)) throw error
      this.#refuse(command.id, error)
      return true
    }
  }

  /** @param {string} id @param {ChatKitError} error */
  #refuse(id, error) {
    const entry = this.#entries.get(id)
    this.#entries.delete(id)
    entry?.reject(error)
  }
}

function disconnected() {
  return new ChatKitError("disconnected", "The connection was lost.")
}
