sending-title = 发送控制
sending-lead = 一键停止所有发送；数据库回退到较早时间点时，可在此查看情况。
sending-halted = 当前已停止发送短信。
sending-halted-look = 发送控制
sending-stops = 停止发送
sending-stop-hint = 任务保持原状，恢复发送后继续。UCloud 已受理的短信仍会送达。
sending-stop = 停止本项目
sending-stop-all = 停止所有项目
sending-resume = 恢复本项目
sending-resume-all = 恢复所有项目
sending-is-stopped = 本项目已停止发送。
sending-is-stopped-all = 所有项目均已停止发送。
sending-stopped-by = { $who } 于 { $when } 停止。
sending-stopped-command = 于 { $when } 通过命令行停止。
sending-stopped = { $count ->
    [0] 已停止发送。
   *[other] 已停止发送；正在提交的 { $count } 条短信仍可能送达。
  }
sending-resumed = 已恢复发送。
sending-promoted-title = 数据库已切换到另一台服务器
sending-promoted = 备库已接管，或数据库已恢复到较早时间点，最近写入的发送记录可能缺失。各控制台进程补记后，发送自动恢复。
sending-copied-title = 此数据库由备份恢复或复制而来
sending-copied = 已停止发送、拉取回执和提交审核，因为原数据库可能仍有控制台在运行。
sending-rolled_back-title = 数据库已回退到较早时间点
sending-rolled_back = 此后的发送记录已缺失。各控制台进程补记后，发送自动恢复。
sending-silent-title = 控制台长时间未运行
sending-silent = 控制台未正常停止，整机可能已回滚。
sending-last-seen = 其中最近一次运行记录为 { $when }。
sending-adopt = 确认此为正式环境
sending-adopt-hint = 请先确认没有其他控制台使用原数据库。此后可能已发送的任务保持暂停，由您逐一决定。
sending-adopt-owner = 需由所有者确认此为正式环境。
sending-adopted-already = 此数据库已是正式环境。
sending-adopted = { $count ->
    [0] 已确认为正式环境，没有待决定的任务。
   *[other] 已确认为正式环境，{ $count } 个任务待决定。
  }
sending-went-back-to = 数据库回退到 { $when } 左右，于 { $noticed } 发现。
sending-end-repaired = 各控制台进程已补记此后的发送，无需处理。
sending-end-held = 您的项目当时没有正在发送的任务，无需处理。
sending-may-have-sent = 此后 { $batches } 个任务中最多 { $messages } 条短信可能已发送。
sending-held = 可能已发送的任务
sending-batch = 任务
sending-messages = 可能已发送
sending-decision = 处理
sending-waits = 待决定
sending-decided = 已决定
sending-lost = 数据库中缺失的人工操作
sending-lost-hint = 数据库中缺少以下操作的记录。停止类操作已重新执行；重复其他操作之前，请先确认相关短信是否已发送。
sending-lost-what = 操作
sending-lost-who = 操作人
sending-lost-when = 时间
sending-redone = 已重新执行
sending-not-redone = 未重新执行
lost-action-batch_ordered = 发起任务
lost-action-batch_paused = 暂停任务
lost-action-batch_resumed = 继续任务
lost-action-batch_cancelled = 取消任务
lost-action-batch_approved = 批准任务
lost-action-batch_rescheduled = 修改发送时间
lost-action-sending_stopped = 停止发送
lost-action-sending_resumed = 恢复发送
lost-action-other = 其他操作（{ $action }）
sending-evidence = 决定之前可先等待回执：能对应到具体短信的回执即证明该短信已发送。UCloud 保留 72 小时的状态报告，其每日统计可核对发送条数。
sending-compare = 与 UCloud 统计对比
sending-pull = 拉取状态报告
sending-silent-since = 此前最近一次运行记录为 { $when }，控制台于 { $noticed } 重新启动。
sending-noticed = 于 { $noticed } 发现，此前最近一次运行记录为 { $when }。
environment-other = 接口地址为 { $host }，不是 UCloud 的 HTTPS 接口。
