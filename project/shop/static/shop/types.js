// What the shop needs of the chat, in types alone. chatkit-tools.d.ts is written by
// `manage.py chatkit_types --output project/shop/static/shop/chatkit-tools.d.ts`.

/** @typedef {import("./chatkit-tools.js").ShopElement} ChatElement */
/** @typedef {ChatElement["tools"]} Tools */

export {}
