// The official Node SDKs, each asking the same things in its own words; the answers go to standard output as JSON.
// Read from the environment: BASE, KEY, TARGETS (names of dialects), WORDS (what is asked and shown).

import Anthropic from "@anthropic-ai/sdk";
import { createAnthropic } from "@ai-sdk/anthropic";
import { createGoogleGenerativeAI } from "@ai-sdk/google";
import { createOpenAI } from "@ai-sdk/openai";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { GoogleGenAI } from "@google/genai";
import { generateObject, generateText, jsonSchema, stepCountIs, streamText, tool } from "ai";
import { Ollama } from "ollama";
import OpenAI from "openai";

const { BASE: base, KEY: key } = process.env;
const targets = JSON.parse(process.env.TARGETS);
const { question, report, schema, name: toolName, png } = JSON.parse(process.env.WORDS);
const look = "What is on it?";
const user = (content) => ({ role: "user", content });

async function gathered(iterable) {
  const all = [];
  for await (const one of iterable) all.push(one);
  return all;
}

function callOf(calls, read) {
  if (calls.length !== 1) throw new Error(`${calls.length} calls instead of one`);
  const { name, input } = read(calls[0]);
  if (name !== toolName) throw new Error(`called ${name}`);
  return [calls[0], input];
}

function openaiChat() {
  const api = new OpenAI({ baseURL: `${base}/v1`, apiKey: key, maxRetries: 0 }).chat.completions;
  const turn = async (asked, stream) =>
    stream ? await api.stream(asked).finalChatCompletion() : await api.create(asked);
  return {
    async hello(model, stream) {
      const asked = { model, messages: [user("Hello")], reasoning_effort: "low" };
      if (!stream) {
        const { message } = (await api.create(asked)).choices[0];
        return { text: message.content, thought: message.reasoning_content };
      }
      const chunks = await gathered(await api.create({ ...asked, stream: true }));
      const deltas = chunks.flatMap((chunk) => chunk.choices.map((choice) => choice.delta));
      return {
        text: deltas.map((delta) => delta.content ?? "").join(""),
        thought: deltas.map((delta) => delta.reasoning_content ?? "").join(""),
      };
    },
    async roundTrip(model, stream) {
      const tools = [{ type: "function", function: { name: toolName, parameters: schema } }];
      const messages = [user(question)];
      const { message } = (await turn({ model, messages, tools }, stream)).choices[0];
      const [call, input] = callOf(message.tool_calls, ({ function: f }) => ({
        name: f.name,
        input: JSON.parse(f.arguments),
      }));
      messages.push(message, { role: "tool", tool_call_id: call.id, content: report });
      return { input, text: (await turn({ model, messages, tools }, stream)).choices[0].message.content };
    },
    async structured(model) {
      const response_format = { type: "json_schema", json_schema: { name: "city", schema, strict: true } };
      const done = await api.create({ model, messages: [user("Where?")], response_format });
      return JSON.parse(done.choices[0].message.content);
    },
    async sees(model) {
      const picture = { type: "image_url", image_url: { url: `data:image/png;base64,${png}` } };
      const messages = [user([{ type: "text", text: look }, picture])];
      return (await api.create({ model, messages })).choices[0].message.content;
    },
  };
}

function openaiResponses() {
  const api = new OpenAI({ baseURL: `${base}/v1`, apiKey: key, maxRetries: 0 }).responses;
  const turn = async (asked, stream) => {
    if (!stream) return await api.create(asked);
    const events = await gathered(await api.create({ ...asked, stream: true }));
    const last = events.at(-1);
    if (last.type !== "response.completed") throw new Error(last.response?.error?.message ?? last.type);
    const items = events.filter((event) => event.type === "response.output_item.done").map(({ item }) => item);
    const parts = items.flatMap((item) => item.content ?? []);
    return { output: items, output_text: parts.map((part) => part.text ?? "").join("") };
  };
  return {
    async hello(model, stream) {
      const done = await turn({ model, input: "Hello", reasoning: { effort: "low", summary: "auto" } }, stream);
      const summaries = done.output.flatMap((item) => (item.type === "reasoning" ? item.summary : []));
      return { text: done.output_text, thought: summaries.map((one) => one.text).join("") };
    },
    async roundTrip(model, stream) {
      const tools = [{ type: "function", name: toolName, parameters: schema, strict: true }];
      const input = [user(question)];
      const done = await turn({ model, input, tools, store: false }, stream);
      const calls = done.output.filter((item) => item.type === "function_call");
      const [call, given] = callOf(calls, (one) => ({ name: one.name, input: JSON.parse(one.arguments) }));
      input.push(...done.output, { type: "function_call_output", call_id: call.call_id, output: report });
      return { input: given, text: (await turn({ model, input, tools, store: false }, stream)).output_text };
    },
    async structured(model) {
      const format = { type: "json_schema", name: "city", schema, strict: true };
      return JSON.parse((await api.create({ model, input: "Where?", text: { format } })).output_text);
    },
    async sees(model) {
      const picture = { type: "input_image", image_url: `data:image/png;base64,${png}`, detail: "auto" };
      const input = [user([{ type: "input_text", text: look }, picture])];
      return (await api.create({ model, input })).output_text;
    },
  };
}

function anthropic() {
  const api = new Anthropic({ baseURL: base, apiKey: key, maxRetries: 0 }).messages;
  const text = (done) => done.content.map((block) => block.text ?? "").join("");
  const turn = async (asked, stream) => {
    const whole = { max_tokens: 2000, ...asked };
    return stream ? await api.stream(whole).finalMessage() : await api.create(whole);
  };
  return {
    async hello(model, stream) {
      const thinking = { type: "enabled", budget_tokens: 1024 };
      const done = await turn({ model, messages: [user("Hello")], thinking }, stream);
      return { text: text(done), thought: done.content.map((block) => block.thinking ?? "").join("") };
    },
    async roundTrip(model, stream) {
      const tools = [{ name: toolName, input_schema: schema }];
      const messages = [user(question)];
      const done = await turn({ model, messages, tools }, stream);
      const calls = done.content.filter((block) => block.type === "tool_use");
      const [call, input] = callOf(calls, (one) => one);
      const result = { type: "tool_result", tool_use_id: call.id, content: report };
      messages.push({ role: "assistant", content: done.content }, user([result]));
      return { input, text: text(await turn({ model, messages, tools }, stream)) };
    },
    async structured(model) {
      const output_config = { format: { type: "json_schema", schema } };
      return JSON.parse(text(await turn({ model, messages: [user("Where?")], output_config }, false)));
    },
    async sees(model) {
      const picture = { type: "image", source: { type: "base64", media_type: "image/png", data: png } };
      return text(await turn({ model, messages: [user([{ type: "text", text: look }, picture])] }, false));
    },
  };
}

function genai() {
  const api = new GoogleGenAI({ apiKey: key, httpOptions: { baseUrl: base } }).models;
  const turn = async (asked, stream) => {
    const answers = stream ? await gathered(await api.generateContentStream(asked)) : [await api.generateContent(asked)];
    const parts = answers.flatMap((answer) => answer.candidates?.[0]?.content?.parts ?? []);
    const told = (thought) =>
      parts.filter((part) => !!part.thought === thought).map((part) => part.text ?? "").join("");
    return { parts, text: told(false), thought: told(true) };
  };
  return {
    async hello(model, stream) {
      const config = { thinkingConfig: { includeThoughts: true, thinkingBudget: 1024 } };
      const { text, thought } = await turn({ model, contents: "Hello", config }, stream);
      return { text, thought };
    },
    async roundTrip(model, stream) {
      const declared = { name: toolName, parametersJsonSchema: schema };
      const config = { tools: [{ functionDeclarations: [declared] }] };
      const contents = [{ role: "user", parts: [{ text: question }] }];
      const done = await turn({ model, contents, config }, stream);
      const calls = done.parts.flatMap((part) => (part.functionCall ? [part.functionCall] : []));
      const [call, input] = callOf(calls, (one) => ({ name: one.name, input: one.args }));
      const functionResponse = { id: call.id, name: toolName, response: { output: report } };
      contents.push({ role: "model", parts: done.parts }, { role: "user", parts: [{ functionResponse }] });
      return { input, text: (await turn({ model, contents, config }, stream)).text };
    },
    async structured(model) {
      const config = { responseMimeType: "application/json", responseJsonSchema: schema };
      return JSON.parse((await turn({ model, contents: "Where?", config }, false)).text);
    },
    async sees(model) {
      const parts = [{ text: look }, { inlineData: { mimeType: "image/png", data: png } }];
      return (await turn({ model, contents: [{ role: "user", parts }] }, false)).text;
    },
  };
}

function ollama() {
  const api = new Ollama({ host: base, headers: { Authorization: `Bearer ${key}` } });
  const turn = async (asked, stream) => {
    const answers = stream ? await gathered(await api.chat({ ...asked, stream })) : [await api.chat(asked)];
    const told = (name) => answers.map(({ message }) => message[name] ?? "").join("");
    const calls = answers.flatMap(({ message }) => message.tool_calls ?? []);
    return { role: "assistant", content: told("content"), thinking: told("thinking"), tool_calls: calls };
  };
  return {
    async hello(model, stream) {
      const message = await turn({ model, messages: [user("Hello")], think: true }, stream);
      return { text: message.content, thought: message.thinking };
    },
    async roundTrip(model, stream) {
      const tools = [{ type: "function", function: { name: toolName, parameters: schema } }];
      const messages = [user(question)];
      const message = await turn({ model, messages, tools }, stream);
      const [, input] = callOf(message.tool_calls, ({ function: f }) => ({ name: f.name, input: f.arguments }));
      messages.push(message, { role: "tool", tool_name: toolName, content: report });
      return { input, text: (await turn({ model, messages, tools }, stream)).content };
    },
    async structured(model) {
      return JSON.parse((await turn({ model, messages: [user("Where?")], format: schema }, false)).content);
    },
    async sees(model) {
      return (await turn({ model, messages: [{ ...user(look), images: [png] }] }, false)).content;
    },
  };
}

function vercel(modelOf, providerOptions) {
  const options = { providerOptions, maxRetries: 0 };
  const turn = async (asked, stream) => {
    if (!stream) return await generateText({ ...options, ...asked });
    let failure;
    const told = streamText({ ...options, ...asked, onError: ({ error }) => (failure = error) });
    await told.consumeStream();
    if (failure) throw failure;
    return { text: await told.text, reasoningText: await told.reasoningText, steps: await told.steps };
  };
  return {
    async hello(model, stream) {
      const { text, reasoningText } = await turn({ model: modelOf(model), prompt: "Hello" }, stream);
      return { text, thought: reasoningText };
    },
    async roundTrip(model, stream) {
      let input;
      const execute = (given) => ((input = given), report);
      const tools = { [toolName]: tool({ inputSchema: jsonSchema(schema), execute }) };
      const asked = { model: modelOf(model), prompt: question, tools, stopWhen: stepCountIs(2) };
      const { text } = await turn(asked, stream);
      return { input, text };
    },
    async structured(model) {
      const asked = { model: modelOf(model), prompt: "Where?", schema: jsonSchema(schema) };
      return (await generateObject({ ...options, ...asked })).object;
    },
    async sees(model) {
      const picture = { type: "image", image: Buffer.from(png, "base64"), mediaType: "image/png" };
      const messages = [user([{ type: "text", text: look }, picture])];
      return (await turn({ model: modelOf(model), messages }, false)).text;
    },
  };
}

const aiOpenAI = createOpenAI({ baseURL: `${base}/v1`, apiKey: key });
const aiCompatible = createOpenAICompatible({
  name: "gateway",
  baseURL: `${base}/v1`,
  apiKey: key,
  supportsStructuredOutputs: true,
});
const thinkingOptions = {
  openai: { reasoningEffort: "low", reasoningSummary: "auto", store: false, forceReasoning: true },
  anthropic: { thinking: { type: "enabled", budgetTokens: 1024 } },
  google: { thinkingConfig: { includeThoughts: true, thinkingBudget: 1024 } },
};

const sdks = {
  "openai chat": openaiChat(),
  "openai responses": openaiResponses(),
  anthropic: anthropic(),
  genai: genai(),
  ollama: ollama(),
  "ai openai": vercel((id) => aiOpenAI(id), thinkingOptions),
  "ai openai chat": vercel((id) => aiOpenAI.chat(id)),
  "ai compatible": vercel((id) => aiCompatible(id)),
  "ai anthropic": vercel(createAnthropic({ baseURL: `${base}/v1`, apiKey: key }), thinkingOptions),
  "ai google": vercel(createGoogleGenerativeAI({ baseURL: `${base}/v1beta`, apiKey: key }), thinkingOptions),
};

async function outcome(ask) {
  try {
    return await ask();
  } catch (error) {
    const status = error.status ?? error.statusCode ?? error.status_code ?? null;
    return { failed: true, status, message: String(error.message ?? error) };
  }
}

const outcomes = {};
for (const [name, sdk] of Object.entries(sdks)) {
  outcomes[name] = {};
  await Promise.all(
    targets.map(async (target) => {
      const on = `on-${target}/m-1`;
      outcomes[name][target] = {
        whole: await outcome(() => sdk.hello(on, false)),
        stream: await outcome(() => sdk.hello(on, true)),
        "round trip": await outcome(() => sdk.roundTrip(on, false)),
        "streamed round trip": await outcome(() => sdk.roundTrip(on, true)),
        structured: await outcome(() => sdk.structured(on)),
        picture: await outcome(() => sdk.sees(on)),
        refused: await outcome(() => sdk.hello(`hot-${target}/m-1`, false)),
        cut: await outcome(() => sdk.hello(`cut-${name.replaceAll(" ", "-")}-${target}/m-1`, true)),
      };
    }),
  );
}
console.log(JSON.stringify(outcomes));
