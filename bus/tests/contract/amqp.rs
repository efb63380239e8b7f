//! What only the bus on RabbitMQ promises.
