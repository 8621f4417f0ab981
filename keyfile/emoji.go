package keyfile

import "strings"

// emojiTable is emojisum's map of bytes to emoji (draft+3), in order.
const emojiTable = `
👍 🎱 ✈️ 👽 ⚓ 😇 😡 🐜 🍎 🎨 👶 🍼 🔙 🎍 🍌 💈
🛁 🍺 🔔 🚴 🐦 🎂 🌼 🚓 🐗 💣 💥 🏹 👦 💔 💡 🚌
🌵 📅 📷 🍬 🐱 🍒 🚸 🍫 👏 ☁ ♣ 🇨🇳 ☕ 🚧 🍪 ©
🌽 🐮 🌙 👑 😢 🔮 ➰ 👯 💨 🇩🇪 ♦ 🐶 🍩 🐉 📀 👂
🍆 🐘 🔚 ✉ 🇪🇸 👀 👊 👪 🎡 😰 🔥 🎆 💾 🏈 🍴 🍀
🇫🇷 🍟 🥜 🖕 🌕 🎲 🇪🇺 💎 👧 🐐 😬 😀 💂 🎸 🔫 🍔
🔨 🐹 🙉 ❤ 😻 ❣ ✔ 🗿 🏮 🚁 🔪 🐝 🐴 🏇 ⌛ 🏠
🕵 🍦 😈 🇮🇹 🎃 👺 🇯🇵 🔑 💋 😽 🐨 🇰🇷 🍋 💄 🔒 🍭
👨 🍁 😷 🤘 🔬 💰 🐒 🗻 💪 🍄 🎹 🎼 💅 🌑 ⛔ 👃
🎛 🔩 ⭕ 🌊 👌 🔛 📦 🌴 🐼 📎 ⛅ 🛂 🐾 🍑 🐧 ☎
🐷 💊 🍍 🍕 👈 👉 💩 🍗 🙏 👸 👛 📌 🐰 🌈 ✋ ♻
🚗 ® 🎀 🍚 🚀 🎢 🐓 🇷🇺 ⛵ 🎅 🛰 😆 🎷 ✂ 🙈 🐑
🐚 👞 🎿 💀 😪 😄 😺 😏 🚬 🐌 🐍 ❄️ ⚽ 🔜 👾 ♠
🙊 ⭐ ⛲ 🗽 🚂 🌻 🕶 ☀ 🌄 🏄 🏊 💉 🎉 🍊 🚕 🎾
⛺ 💭 ™ 🚽 👅 🎩 🚜 🚎 🤢 🏆 🎺 🐢 🎠 👬 🇬🇧 ☂
🔓 🇺🇸 ✌ 📼 🎻 ⚠ 🍉 👋 〰 🚾 ♿ 👩 ✖ 😋 ⚡ 💤
`

// emoji returns one symbol for each byte.
func emoji(sum []byte) string {
	table := strings.Fields(emojiTable)
	var b strings.Builder
	for _, n := range sum {
		b.WriteString(table[n])
	}
	return b.String()
}
