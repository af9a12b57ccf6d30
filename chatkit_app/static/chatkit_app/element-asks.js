// What the buttons at a message ask for: of the client, and of its thread over HTTP.

import { isClipped } from "./element-actions.js"
import { newId } from "./protocol.js"

/** @typedef {import("./element-actions.js").ActionsHost} ActionsHost */
/** @typedef {import("./element-types.js").ClientShape} ClientShape */

/**
 * @param {ClientShape} client
 * @param {(thread: string) => void} open another thread
 * @returns {Pick<ActionsHost, "regenerate" | "show" | "edit" | "fork" | "rate" | "whole">}
 */
export function asksOf(client, open) {
  const threadId = () => client.threadId ?? ""
  /** Names of forks whose answer has not come: asked again, it is the same one. @type {Map<string, string>} */
  const asked = new Map()

  /** @param {string} id */
  async function fork(id) {
    const thread = threadId()
    const name = asked.get(id) ?? `fork-${newId(crypto)}`
    asked.set(id, name)
    const made = await client.api.fork(thread, id, { externalId: name })
    asked.delete(id)
    if (threadId() === thread) open(made.id)
  }

  return {
    regenerate: async (id) => void (await client.regenerate(id)),
    show: async (id) => void (await client.show(id)),
    edit: async (id, text, attachments) =>
      void (await client.edit(id, text, { attachments })),
    fork,
    rate: async (id, rating) =>
      rating
        ? client.api.rate(threadId(), id, rating)
        : client.api.unrate(threadId(), id),
    // A snapshot has only the beginning of what is long.
    whole: async (message) =>
      isClipped(message)
        ? ((await client.api.message(threadId(), message.id)) ?? message)
        : message,
  }
}
