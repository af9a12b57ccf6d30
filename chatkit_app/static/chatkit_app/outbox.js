/** Commands until they are accepted or refused: after a reconnect they are sent again, ids and all. */

import { ChatKitError, toRefusal } from "./protocol.js"

/** @import { AcceptedFrame, Command, ErrorFrame } from "./types.js" */

/**
 * @typedef {object} Asking
 * @property {boolean} [repeat] false: after a disconnect its moment is over; it is refused as
 *   `disconnected`
 * @property {boolean} [isPatient] it waits on although nobody was ever reached
 * @property {string | null} [viewer] who asks, as far as is known
 *
 * @typedef {object} Entry
 * @property {Command} command
 * @property {boolean} repeat
 * @property {boolean} isPatient
 * @property {string | null} viewer
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

  /** Is there anything without an answer? */
  get isWaiting() {
    return this.#entries.size > 0
  }

  /**
   * The server does a command once, however often it comes with the same id.
   *
   * @param {Command} command
   * @param {Asking} [options]
   * @returns {Promise<AcceptedFrame>} rejects with a `ChatKitError`
   */
  ask(command, { repeat = true, isPatient = false, viewer = null } = {}) {
    return new Promise((resolve, reject) => {
      const how = { repeat, isPatient, viewer }
      this.#entries.set(command.id, { command, ...how, resolve, reject })
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
    else entry.reject(toRefusal(frame))
  }

  /**
   * The connection is there again. What a user has asked is never asked in another one's name; a
   * visitor who has logged in meanwhile is the same person.
   *
   * @param {string} viewer who is at the door now
   */
  resend(viewer) {
    for (const entry of [...this.#entries.values()]) {
      const isOthers = entry.viewer?.startsWith("u:") && entry.viewer !== viewer
      if (isOthers) this.#refuse(entry.command.id, signedOut())
      else this.#send(entry.command)
      entry.viewer = viewer
    }
  }

  /** The connection is lost: what may be repeated stays. */
  disconnected() {
    for (const [id, { repeat }] of [...this.#entries]) {
      if (!repeat) this.#refuse(id, disconnected())
    }
  }

  /**
   * @param {ChatKitError} error why nothing will be sent any more
   * @param {{ withPatient?: boolean }} [options]
   */
  abandon(error, { withPatient = true } = {}) {
    for (const [id, { isPatient }] of [...this.#entries]) {
      if (withPatient || !isPatient) this.#refuse(id, error)
    }
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

function signedOut() {
  return new ChatKitError("signed_out", "Somebody else is signed in now.")
}
