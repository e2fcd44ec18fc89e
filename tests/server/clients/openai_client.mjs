// What OpenAI's client for Node makes of the server: whole, streamed, with drafts, responses, refused.
import OpenAI from "openai";

const [address, model] = process.argv.slice(2);
const client = new OpenAI({ baseURL: `${address}/v1`, apiKey: "none", maxRetries: 0 });
const messages = [{ role: "user", content: "Write a story about a fox." }];
const settings = { model, messages, max_tokens: 48, seed: 1 };
const streamed = async (diffusion) => {
  let text = "";
  let drafts = 0;
  for await (const chunk of await client.chat.completions.create({ ...settings, diffusion, stream: true })) {
    text += chunk.choices[0]?.delta?.content ?? "";
    drafts += "diffusion" in chunk ? 1 : 0;
  }
  return { text, drafts };
};

const steps = 6;
const whole = await client.chat.completions.create({ ...settings, diffusion: { steps } });
const plain = await streamed({ steps });
const drafted = await streamed({ steps, stream_drafts: true, draft_interval: 0 });
const helped = client.chat.completions.stream({ ...settings, diffusion: { steps } });
const responded = await client.responses.create({
  model,
  input: "Write a story about a fox.",
  max_output_tokens: 48,
  seed: 1,
  diffusion: { steps },
});
const refused = await client.chat.completions.create({ ...settings, temperature: -1 }).catch((error) => error.param);
console.log(
  JSON.stringify({
    whole: whole.choices[0].message.content,
    tokens: whole.usage.completion_tokens,
    streamed: plain.text,
    "with drafts": drafted.text,
    drafts: drafted.drafts,
    helped: (await helped.finalChatCompletion()).choices[0].message.content,
    responded: responded.output_text,
    refused,
  }),
);
