// What a page writes with the types of its tools, as docs/client.md and docs/element.md have it.
// Checked by tsc alone: each mistake has to be one.

import { ChatKitClient } from "../../../chatkit_app/static/chatkit_app/client.js"
import { partialInput } from "../../../chatkit_app/static/chatkit_app/partial.js"
import type * as typed from "../../../chatkit_app/static/chatkit_app/typed.js"

interface Mark {
  id: string
}
type Shop = {
  mark: { input: Mark; output: { found: boolean }; answer: { found: boolean } }
  count: { input: { sizes: string[] }; output: number; answer: never }
}

const made: ChatKitClient<Shop> = new ChatKitClient({ assistant: "shop" })

export function listen(client: typed.ChatClient<Shop> = made) {
  client.addEventListener("effect", ({ detail: { name, data, isOurs } }) => [
    name.length,
    data,
    isOurs === true,
  ])
  client.addEventListener("notice", ({ detail: { level, title, text } }) => [
    level === "info",
    title + text,
  ])
  client.addEventListener("toolcall", ({ detail }) => client.tools.run(detail.id))
  client.addEventListener("error", ({ detail }) => detail.code)
  // @ts-expect-error an effect has no text
  client.addEventListener("effect", ({ detail }) => detail.text)
  made.addEventListener("effect", ({ detail }) => detail.isOurs)
}

export function listenAround(element: HTMLElement) {
  element.addEventListener("chatkit-effect", ({ detail }) => detail.isOurs)
  document.addEventListener("chatkit-tool-call", (event) => {
    if (event.detail.name === "mark") event.preventDefault()
  })
}

export function draw(client: typed.ChatClient<Shop>, part: typed.Part<Shop>) {
  if (part.type !== "tool-call") return
  client.partialInput(part)
  made.partialInput(part)
  partialInput(part)
  if (part.name === "mark") return [part.input.id, part.output?.found]
  // @ts-expect-error it is the other tool's
  part.output?.found
  return [part.input.sizes.length, part.output?.toFixed()]
}

export async function decide(client: typed.ChatClient<Shop>) {
  for (const { id, toolCall, approver } of client.interrupts) {
    if (client.isResolving(id) || approver === "staff") continue
    await client.approve(id, { input: toolCall.input })
    await client.resolve([{ interrupt: id, decision: "deny", text: "" }])
    // @ts-expect-error there is no such decision
    await client.resolve({ interrupt: id, decision: "allow" })
  }
  const { run, pendingMessages, viewer, tab, error, hasEarlier } = client
  for (const { clientId } of pendingMessages) client.discard(clientId)
  if (hasEarlier) await client.loadEarlier()
  const { threads, next } = await client.listThreads()
  return [run?.retry?.attempt, viewer, tab, error?.code, threads[0]?.title, next]
}
