// Prints id, type, ticket and version of every event, from the earliest record kept, with kafkajs.
//
//   npm ci && KAFKA_BOOTSTRAP=127.0.0.1:9092 node read_events.mjs [--once]
//
// kafkajs brings no LZ4, which our records are packed with: without the codec below it refuses them.
import kafkajs from "kafkajs";
import { unpackFrame } from "./lz4.mjs";

const { CompressionCodecs, CompressionTypes, Kafka, logLevel } = kafkajs;
CompressionCodecs[CompressionTypes.LZ4] = () => ({
  compress: async () => {
    throw new Error("only reading");
  },
  decompress: async (packed) => unpackFrame(packed),
});

const topic = process.env.KAFKA_TOPIC ?? "tickets-dispatch";
const once = process.argv.includes("--once");
const kafka = new Kafka({
  clientId: "read-events",
  brokers: [process.env.KAFKA_BOOTSTRAP ?? "127.0.0.1:9092"],
  logLevel: logLevel.ERROR,
});

// Where the topic ends now, per partition; only partitions that hold something.
const admin = kafka.admin();
await admin.connect();
const ends = new Map(
  (await admin.fetchTopicOffsets(topic))
    .filter(({ low, high }) => BigInt(low) < BigInt(high))
    .map(({ partition, high }) => [partition, BigInt(high)]),
);
await admin.disconnect();

const consumer = kafka.consumer({ groupId: process.env.KAFKA_GROUP ?? "read-events-kafkajs", readUncommitted: false });
const leave = async () => {
  await consumer.disconnect();
  process.exit(0);
};
if (once && ends.size === 0) process.exit(0);

await consumer.connect();
await consumer.subscribe({ topics: [topic], fromBeginning: true });
// Without this a reader that cannot go on would leave as if all were well.
consumer.on(consumer.events.CRASH, ({ payload }) => {
  if (!payload.restart) process.exit(1);
});
await consumer.run({
  autoCommit: false,
  eachMessage: async ({ partition, message }) => {
    const header = (name) => message.headers[name]?.toString("utf8") ?? "";
    // Your own work belongs here; drop what you have seen: ce_version at most the one you hold of this ticket.
    console.log([header("ce_id"), header("ce_type"), header("ce_subject"), header("ce_version")].join("\t"));
    const next = BigInt(message.offset) + 1n;
    await consumer.commitOffsets([{ topic, partition, offset: next.toString() }]); // only after the work
    if (once && ends.has(partition) && next >= ends.get(partition)) {
      ends.delete(partition);
      if (ends.size === 0) setImmediate(leave); // not from inside the run, which it would wait for
    }
  },
});
