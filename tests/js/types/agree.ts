// The types that are copied beside a site's tools say what the client's own say. Checked by tsc alone.

import type { ChatKitClient } from "../../../chatkit_app/static/chatkit_app/client.js"
import type { ThreadElement } from "../../../chatkit_app/static/chatkit_app/thread-element.js"
import type { Tools } from "../../../chatkit_app/static/chatkit_app/tools.js"
import type * as typed from "../../../chatkit_app/static/chatkit_app/typed.js"
import type * as types from "../../../chatkit_app/static/chatkit_app/types.js"

type Untyped = { [name: string]: { input: Json; output: Json; answer: Json } }
type Json = types.Json

/** Either can stand for the other. */
type Same<A, B> = [A, B] extends [B, A] ? true : false

export const same: [
  Same<types.Message, typed.Message<Untyped>>,
  Same<types.TextPart, typed.TextPart>,
  Same<types.ToolCallPart, typed.ToolCallPart<Untyped>>,
  Same<types.ToolResultPart, typed.ToolResultPart>,
  Same<types.Interrupt, typed.Interrupt>,
  Same<types.Approval, typed.Approval>,
  Same<types.Progress, typed.Progress>,
  Same<types.Json, typed.Json>,
] = [true, true, true, true, true, true, true, true]

type Shop = { mark: { input: { id: string }; output: boolean; answer: boolean } }

export const client = (made: ChatKitClient<Shop>): typed.ChatClient<Shop> => made
export const tools = (made: Tools<Shop>): typed.PageTools<Shop> => made
// biome-ignore lint/suspicious/noExplicitAny: the element itself knows nothing of a site's tools
export const element = (made: ThreadElement): typed.ChatElement<any> => made
