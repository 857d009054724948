-- Notifications also go to group robots. A new value can be used only after this transaction.
alter type notification_channel add value 'robot';
