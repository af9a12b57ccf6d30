/** The ways to say or have answered something else, each by its own verb. */

import { Answering } from "./answering.js"

/** @import { Branches } from "./branches.js" */

/** @abstract */
export class Branching extends Answering {
  /** @type {Branches} what asks for them; of no use to a page */
  branches = /** @type {any} */ (null)

  /** @abstract @returns {string | null} */
  get threadId() {
    return null
  }

  /** Another answer in the place of this one, which is kept. @param {string} message its id */
  regenerate(message) {
    return this.branches.regenerate(this.threadId, message)
  }

  /**
   * Say something else in the place of one's own message, which is kept, and have it answered.
   *
   * @param {string} message its id
   * @param {string} text
   * @param {{ attachments?: string[] }} [options] files: some of the message's, and new ones
   */
  edit(message, text, { attachments = [] } = {}) {
    return this.branches.edit(this.threadId, message, { text, attachments })
  }

  /** Show the branch that a message is in, which may be hidden now. @param {string} message its id */
  show(message) {
    return this.branches.show(this.threadId, message)
  }
}
