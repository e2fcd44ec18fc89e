// What Vercel's AI SDK makes of the server: whole, streamed, with a tool, refused.
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { generateText, jsonSchema, streamText, tool } from "ai";

const [address, name] = process.argv.slice(2);
const provider = createOpenAICompatible({ name: "gesso", baseURL: `${address}/v1`, apiKey: "none", includeUsage: true });
const model = provider.chatModel(name);
const settings = { model, prompt: "Write a story about a fox.", maxOutputTokens: 48, seed: 1, maxRetries: 0 };

const whole = await generateText(settings);
const stream = streamText(settings);
let streamed = "";
for await (const piece of stream.textStream) streamed += piece;
const weather = tool({
  description: "Tell the weather.",
  inputSchema: jsonSchema({ type: "object", properties: { city: { type: "string" } } }),
});
const withTool = await generateText({ ...settings, tools: { weather } });
const refused = await generateText({ ...settings, temperature: -1 }).catch((error) => error.message);
console.log(
  JSON.stringify({
    whole: whole.text,
    tokens: whole.usage.outputTokens,
    streamed,
    "streamed tokens": (await stream.usage).outputTokens,
    "finish reason": await stream.finishReason,
    "with a tool": withTool.text,
    called: withTool.toolCalls.map((call) => call.toolName),
    refused,
  }),
);
