import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.stream.Collectors;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/**
 * Prints id, type, ticket and version of every event, from the earliest record kept, as a group of its own.
 *
 * <p>KAFKA_BOOTSTRAP=127.0.0.1:9092 java -cp "libs/*" ReadEvents.java [--once]
 *
 * <p>Needs kafka-clients with what it depends on, and a JDK from 17 on; nothing has to be built.
 */
public class ReadEvents {

  public static void main(String[] arguments) {
    boolean once = List.of(arguments).contains("--once");
    String topic = setting("KAFKA_TOPIC", "tickets-dispatch");
    Properties settings = new Properties();
    settings.put("bootstrap.servers", setting("KAFKA_BOOTSTRAP", "127.0.0.1:9092"));
    settings.put("group.id", setting("KAFKA_GROUP", "read-events-java"));
    settings.put("auto.offset.reset", "earliest");
    settings.put("enable.auto.commit", "false");
    settings.put("isolation.level", "read_committed");

    var bytes = new ByteArrayDeserializer();
    try (KafkaConsumer<byte[], byte[]> consumer = new KafkaConsumer<>(settings, bytes, bytes)) {
      Map<TopicPartition, Long> ends = consumer.endOffsets(
          consumer.partitionsFor(topic).stream()
              .map(p -> new TopicPartition(topic, p.partition()))
              .collect(Collectors.toList()));
      consumer.subscribe(List.of(topic));
      while (!once || !isRead(consumer, ends)) {
        for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(500))) {
          // Your own work belongs here; drop what you have seen: ce_version at most the one you hold of this ticket.
          System.out.println(String.join(
              "\t", text(record, "ce_id"), text(record, "ce_type"), text(record, "ce_subject"), text(record, "ce_version")));
        }
        consumer.commitSync(); // only after the work: a record may come twice, none is left out
      }
    }
  }

  private static boolean isRead(KafkaConsumer<?, ?> consumer, Map<TopicPartition, Long> ends) {
    return consumer.assignment().containsAll(ends.keySet())
        && ends.entrySet().stream().allMatch(e -> consumer.position(e.getKey()) >= e.getValue());
  }

  private static String text(ConsumerRecord<?, ?> record, String name) {
    Header header = record.headers().lastHeader(name);
    return header == null ? "" : new String(header.value(), StandardCharsets.UTF_8);
  }

  private static String setting(String name, String otherwise) {
    String value = System.getenv(name);
    return value == null || value.isEmpty() ? otherwise : value;
  }
}
