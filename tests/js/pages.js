/** Pages on a thread of a fake server, and tools that end when a test says so. */

import { ChatKitClient } from "../../chatkit_app/static/chatkit_app/client.js"
import { FakeClock, fakeBrowser, settle } from "./fake-browser.js"
import { FakeServer } from "./fake-server.js"

/** A server with a thread, and pages on it. */
export async function world() {
  const server = new FakeServer()
  const clock = new FakeClock()
  const thread = server.newThread()
  const openPage = async ({ tools = {}, ...options } = {}) => {
    const browser = fakeBrowser(server, clock)
    const client = new ChatKitClient({
      assistant: "shop",
      thread,
      ...browser,
      ...options,
    })
    for (const [name, tool] of Object.entries(tools)) client.tools.register(name, tool)
    client.errors = []
    client.addEventListener("error", ({ detail }) => client.errors.push(detail.code))
    client.window = browser.window
    client.connect()
    await settle()
    return client
  }
  return { server, clock, thread, openPage }
}

/** A tool that ends when the test says so. */
export function slowTool() {
  const runs = []
  const tool = (input, { call, context, signal }) =>
    new Promise((resolve, reject) =>
      runs.push({ input, call, context, signal, resolve, reject }),
    )
  return { tool, runs }
}

export function partOf(client, type) {
  return client.messages
    .flatMap((message) => message.parts)
    .find((part) => part.type === type)
}
