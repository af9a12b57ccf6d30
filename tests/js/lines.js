/** A page with one thread on one line, and an answer that is written to it. */

import { ChatKitClient } from "../../chatkit_app/static/chatkit_app/client.js"
import { messageCreated, newUuid, partStarted } from "./events.js"
import { FakeClock, fakeBrowser, settle } from "./fake-browser.js"
import { FakeServer } from "./fake-server.js"

/** A page with one thread, on a line that the test holds. */
export async function lineTo({ server = new FakeServer(), ...options } = {}) {
  const clock = new FakeClock()
  const thread = server.newThread()
  const browser = fakeBrowser(server, clock)
  const client = new ChatKitClient({ thread, ...browser, ...options })
  const errors = []
  client.addEventListener("error", ({ detail }) => errors.push(detail.code))
  client.connect()
  await settle()
  return { server, clock, thread, client, errors, browser, window: browser.window }
}

/** An answer with one open part, to which `write` adds. */
export function answer(server, thread) {
  const [message, part] = [newUuid(), newUuid()]
  server.append(thread, messageCreated(message))
  server.append(thread, partStarted(message, part))
  let offset = 0
  const write = (delta, options) => {
    server.append(thread, { type: "part.delta", partId: part, offset, delta }, options)
    offset += delta.length
  }
  return { message, part, write }
}

export function content(client) {
  return client.messages.at(-1).parts[0].content
}
