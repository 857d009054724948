batches-title = 发送任务
batches-caption = 按时间倒序
batches-empty-title = 暂无发送任务
batches-empty = 每次发送都会生成一个任务，记录接收号码、发送进度和未送达的短信。
batches-name = 任务名称
batches-state = 状态
batches-progress = 进度
batches-phones = 号码数
batches-time = 时间
batches-filter-name = 名称或 ID
batches-any-person = 全部成员
batches-leaves = 发送时间
batches-error-person = 该成员在本项目中没有发起过任务。
batches-further = 符合条件的任务较少：已查找最近的 1,000 个任务，更早的尚未查找。
batches-by = 发起人
batches-progress-of = { $name } 的进度
batch-title = 发送任务：{ $name }
batch-by = 由 { $person } 发起于
batch-decided-cancelled = { $person } 取消
batch-decided-approved = { $person } 批准
batch-submitted = 已提交
batch-waiting = 等待回执
batch-delivery-rate = 送达率
batch-delivery-rate-of = 按已有回执的 { $count } 条计算
batch-awaiting-cost = 预计费用：{ $cost }（{ $note }）
batch-awaiting-size = 共 { $count } 个号码，计费 { $parts } 条，由 { $person } 发起。
batch-parts = 计费条数
batch-parts-value = { $parts } 条
batch-parts-hint = 按字数预估
batch-total = 全部号码
batch-balanced = 各状态合计与号码总数一致
batch-unbalanced = 各状态合计与号码总数不一致，请联系管理员运行 usms-console doctor。
batch-live = 自动更新
batch-live-stale = 页面刷新失败，当前数据可能不是最新。本控制台将自动重试，不影响发送。
batch-live-interrupted = 自动更新已中断，页面刷新频率降低；发送不受影响。
batch-live-no-access = 您已无权查看该任务，页面不再刷新。
batch-live-signed-out = 登录会话已过期，页面已停止刷新。请重新加载页面并登录，不影响发送。
batch-live-status = 已提交 { $sent } / { $total }，已送达 { $delivered }，失败 { $failed }
batch-awaiting-title = 待审批
batch-awaiting = 须由发起人以外的审批人批准后才会发送。
batch-awaiting-own = 此任务由您发起，须由其他审批人批准。
batch-awaiting-time = 定时于 { $when } 发送
batch-awaiting-now = 批准后立即发送。
batch-messages-by-state = 按状态筛选短信
batch-approve = 批准
batch-scheduled = 将于 { $when } 发送
batch-quiet-title = 当前时段不可发送营销短信
batch-quiet = 营销短信仅在 08:00–20:00（Asia/Shanghai）发送，未发送的短信将于上午 8:00 继续发送。
batch-paused-person-title = 已暂停
batch-paused-time = 继续后，将于 { $when } 发送。
batch-paused-person = 任务已手动暂停，未发送的短信均已保留。
batch-paused-balance-title = { $package ->
    [marketing] 已暂停：营销推广类短信余量不足
    [international] 已暂停：国际及港澳台短信余量不足
   *[notice] 已暂停：验证通知类短信余量不足
}
batch-paused-balance = { $package ->
    [marketing] 请在 UCloud 控制台的套餐包管理页购买营销推广类短信套餐包（如可购买通用类套餐包，也可用于本任务），然后继续任务。验证通知类套餐包和账户余额均不能用于本任务。
    [international] 请在 UCloud 控制台的套餐包管理页购买{ $countries }的国际及港澳台短信套餐包，然后继续任务。国内短信或其他国家、地区的套餐包以及账户余额均不能用于本任务。
   *[notice] 请在 UCloud 控制台的套餐包管理页购买验证通知类短信套餐包（如可购买通用类套餐包，也可用于本任务），然后继续任务。营销推广类套餐包和账户余额均不能用于本任务。
}若该套餐包仍有余量，请联系 UCloud 技术支持。未发送的短信均已保留，继续后不会重复发送。
batch-countries = 本任务所发国家或地区
batch-countries-more = { $names }及另外 { $count } 个国家或地区
batch-paused-permission-title = 已暂停：UCloud 拒绝了项目的密钥或权限
batch-paused-permission = 请联系管理员检查项目的密钥、项目 ID 和 IP 白名单，修正后继续任务。
batch-paused-vendor_unavailable-title = 已暂停：UCloud 暂不可用
batch-paused-vendor_unavailable = 多次尝试均未成功，未发送的短信均已保留。请稍后继续任务。
batch-paused-missed_schedule-title = 已暂停：错过定时时间
batch-paused-missed_schedule = 任务未能在定时时间开始，现已超过 10 分钟。请立即发送、另选时间，或取消任务。
batch-paused-database_went_back-title = 已暂停：部分短信可能已发送
batch-paused-database_went_back = 数据库曾回退到较早时间点，剩余短信中哪些已发送无法确定。可将剩余短信设为待确认，由回执确认发送情况；如由审批人继续发送，部分用户可能收到两次。
batch-may-have-sent-title = 此任务可能已发送
batch-may-have-sent = 数据库曾回退到 { $when } 左右。如此后有人发送过此任务，数据库中已无记录。继续之前，请向相关人员确认，并核对 UCloud 统计。
batch-doubt-rest = 剩余设为待确认
batch-send-rest = 发送剩余短信
batch-rest-doubted = 剩余短信已设为待确认，由回执确认发送情况。
batch-problem-went-back = 数据库曾回退到较早时间点，无法确定是否已发送
batch-paused-detail = UCloud 说明：{ $words }
batch-in-doubt-title = { $count } 条短信待确认
in-doubt-out-of-date = 页面打开后，待确认的提交已有变化，未执行任何操作。请核对后重新处理。
batch-in-doubt = UCloud 可能已受理，因此不会自动重发。收到回执后状态会自动更新，也可以人工处理。
batch-in-doubt-look = { $count ->
    [1] 查看并处理
   *[other] 查看这 { $count } 条
  }
batch-pause = 暂停
batch-resume = 继续
batch-cancel = { $count ->
    [0] 取消
   *[other] 取消剩余 { $count } 条
  }
batch-cancel-title = 取消剩余 { $count } 条？
batch-cancel-what = 尚未发送的 { $count } 条短信将不再发送；已提交的短信不受影响，回执照常记录。取消后无法恢复。
batch-cancel-back = 不取消
batch-again = 再次发送
batch-moved-pause = { $count ->
    [0] 已暂停
   *[other] 已暂停；正在提交的 { $count } 条短信仍可能送达
  }
batch-late-pause = 无法暂停：短信均已发出
batch-late-cancel = 无法取消：短信均已发出
batch-under-way = 正在提交的 { $count } 条短信仍可能送达。
batch-moved-resume = 已继续
batch-moved-cancel = { $count ->
    [0] 已取消，剩余短信不再发送。
   *[other] 已取消，剩余短信不再发送；正在提交的 { $count } 条短信仍可能送达。
  }
batch-moved-approve = 已批准
batch-moved-approve-at = 已批准，将于 { $time } 发送
batch-moved-approve-later = 已批准，将于 { $when } 发送
batch-moved-resume-at = 已继续，将于 { $time } 发送
batch-moved-now-at = 已确认，将于 { $time } 发送
batch-not-moved = 未作更改：任务状态已发生变化。
batch-messages = 号码明细
batch-messages-caption = 按填写顺序
batch-message-phone = 手机号
batch-message-state = 状态
batch-message-receipt = 回执
batch-message-session = 发送序列号
batch-message-time = 时间
batch-message-waiting = 等待回执
batch-message-none = —
batch-problems = 提交异常
batch-problem-time = 时间
batch-problem-code = 返回码
batch-problem-what = 说明
batch-problem-n = 条数
batch-problem-accepted = 已受理，但 UCloud 提示：{ $what }
batch-problem-lease = 提交短信的进程中断，不确定 UCloud 是否已受理
batch-content = 任务内容
batch-template = 短信模板
batch-signature = 短信签名
batch-sessions = 发送序列号
batch-id = 任务 ID
batch-previous = 上一页
batch-next = 下一页
in-doubt-title = 待确认的提交
in-doubt-lead = 这些提交已发出，但未收到明确结果。UCloud 无法识别重复的调用，因此本控制台不会自动重发；收到带有相同 UserId 的回执后，状态会自动更新。
in-doubt-none-title = 无待确认的提交
in-doubt-none = 每条短信都有明确的结果。
in-doubt-when = 提交时间
in-doubt-phones = 手机号
in-doubt-why = 待确认原因
in-doubt-request = UCloud 请求 ID
in-doubt-treat = 视为已发送
in-doubt-treat-hint = 不再发送，等待回执；72 小时内无回执则记为未知。
in-doubt-again = 重发
in-doubt-again-do = 重发 { $count } 条短信
in-doubt-messages = 短信条数
in-doubt-again-hint = 如果 UCloud 实际已受理，接收人会收到两条。
in-doubt-causes = 按原因处理
in-doubt-cause = { $count ->
    [1] 1 次提交，{ $messages } 条短信
   *[other] { $count } 次提交，共 { $messages } 条短信
  }
in-doubt-cause-treat = { $count ->
    [1] 视为已发送
   *[other] 这 { $count } 次均视为已发送
  }
in-doubt-cause-again = { $count ->
    [1] 重发（可能重复收到）
   *[other] 这 { $count } 次全部重发（可能重复收到）
  }
in-doubt-single = 逐次处理
in-doubt-first = 共 { $total } 次提交，显示最早的 { $shown } 次。
in-doubt-decided = 已处理 { $count } 次提交
in-doubt-back = 返回任务
batch-standing-awaiting = 等待回执
batch-standing-in-doubt = 待确认
batch-standing-trial = 试发：等待结果
batch-standing-night = 08:00 发送
batch-problem-timed-out = 等待响应超时
batch-problem-cut-off = 收到响应前连接中断
batch-problem-http-status = { $status ->
    [0] 网关返回 HTTP 错误，不确定 UCloud 是否已受理
   *[other] 网关返回 HTTP { $status }，不确定 UCloud 是否已受理
  }
batch-problem-not-an-answer = 无法解析响应
batch-problem-no-session-no = UCloud 返回成功，但缺少发送序列号
batch-problem-unreachable = 无法连接 UCloud
batch-problem-unbuildable = 无法生成请求
batch-problem-sealed = 无法解密项目的密钥，请联系管理员检查 CONSOLE_SECRET_KEY
batch-problem-database = 数据库未响应，未发送
in-doubt-count = { $count ->
    [1] 1 条短信
   *[other] 共 { $count } 条短信
  }
in-doubt-again-title = { $count ->
    [1] 重发此次提交？
   *[other] 重发这 { $count } 次提交？
  }
in-doubt-again-keep = 暂不处理
batches-tabs = 按状态查看
batches-all = 全部
batches-none-title = 无此状态的任务
batches-none = 请查看其他状态。
batch-left = 剩余时间
batch-pace = 每秒约 { $pace } 条
batch-reschedule = 发送时间改为
batch-reschedule-do = 更改时间
batch-reschedule-past = 该时间已过，请选择之后的时间。
batch-moved-schedule = 发送时间已更改
batch-moved-resume-later = 已继续，将在定时时间发送
batch-missed-time = 定时时间已过，请选择立即发送或另定时间。
batch-moved-needs-approval = 发送时间已更改，需要重新审批。
batch-moved-now = 正在发送
batch-send-now = 立即发送
version-out-of-date = 页面内容已过期，未执行任何操作。请核对以下变化后重新确认：
version-recipients = 号码
version-columns = 列对应
version-template = 模板
version-signature = 签名
version-price = 单价
version-time = 发送时间
version-now = { $name }：现为 { $now }
version-no-price = 未设置
version-no-time = 立即发送
batch-paused-failures-title = 已暂停：失败率过高
batch-paused-failures = 失败率超过项目设置的上限，任务已自动暂停。请查看下方的失败原因；未发送的短信均已保留，可以继续或取消。
batch-paused-refused-title = 已暂停：UCloud 拒绝了签名或模板
batch-paused-refused = 其余短信也会被拒绝，因此任务已自动暂停。请先处理签名或模板的问题，再继续任务；未发送的短信均已保留。
batch-paused-trial-title = 试发已完成，请查看结果后决定
batch-paused-trial = 其余短信等待您决定：继续则全部发送，取消则不再发送。
batch-paused-share = 已有结果的 { $known } 条中，{ $failed } 条失败
batch-trial-title = 正在试发 { $count } 条，其余等待
batch-trial-sent-title = 已试发 { $count } 条，等待结果
batch-trial-go = 试发后最多等待 { $minutes } 分钟；失败率不超过 { $percent }% 时自动继续，否则由您决定。
batch-trial-ask = 试发后最多等待 { $minutes } 分钟，然后由您决定是否继续。
batch-causes = 失败原因
batch-cause = 原因
batch-cause-count = 条数
batch-cause-share = 占比
batch-cause-do = 处理建议
batch-cause-refused = UCloud 未受理
batch-cause-refused-do = 请查看各短信的未受理原因，处理后可重发；请勿向黑名单号码重发。
batch-cause-unknown = 无回执
batch-cause-unknown-do = 运营商未返回结果，短信可能已送达。
batch-download = 下载号码明细
batch-download-rejected = 下载不发送的行
batch-planning = 号码仍在写入，已写入的会先行发送。
batch-resend-of = 重发自另一任务
batch-resends = 后续重发
upload-title = 批量发送
upload-lead = 上传 CSV 或 Excel 文件，最多 { $rows } 行、{ $mb } MB。上传后先逐行校验，您确认之前不会发送。
upload-step-file = 上传
upload-step-check = 核对
upload-step-approval = 审批
upload-step-sent = 发送与回执
upload-sample = 下载此模板的示例文件
upload-schedule-hint = 可留空，核对时再设置；时间为 Asia/Shanghai（UTC+8）。
upload-file = 号码文件
upload-file-hint = CSV、TSV、TXT、XLSX 或 XLS：一列手机号，每个变量一列，可含表头。支持 UTF-8、GBK 和 UTF-16。
upload-paste = 或直接粘贴号码
upload-phones = 手机号
upload-phones-hint = 每行一个；模板含变量时，每行填写：手机号,变量1,变量2…
upload-progress = 上传进度
upload-said = 已上传
upload-failed = 上传中断，请检查网络后重试。
upload-proxy-too-large = 文件过大，超出反向代理的大小限制。请联系管理员调整限制，或拆分文件后上传。
upload-proxy-status = 控制台未响应，反向代理返回 HTTP { $status }。短信未发送，请重试；如仍失败，请联系管理员。
upload-signed-out = 登录会话已过期，文件未上传。请在新标签页中登录，然后刷新本页。
upload-next = 上传并校验
upload-empty = 请选择非空文件，或粘贴号码
upload-too-many-drafts = 您的草稿已达 { $most } 个，或其文件共超过 { $megabytes } MB，请先确认或放弃部分草稿。
upload-too-large = 文件过大，最多 { $most } MB，请拆分后上传。
upload-already = 该表单此前已提交，未重复提交。以下是上次提交的结果。
upload-problem-quote = 第 { $line } 行的引号未闭合，请补全或删除该引号后重新上传
upload-problem-encrypted = 该表格设有密码，请取消密码后重新上传
upload-problem-rows = 超过 { $most } 行，请拆分为多个文件
upload-problem-bomb = 表格解压后超出合理大小，未读取
upload-problem-died = 读取该文件所需的内存或时间超出限制，未读取。请另存为 CSV 或拆分为多个文件后重新上传。
upload-problem-empty = 没有可读取的行
upload-problem-cells = 第 { $line } 行超过 { $most } 列，请删除不需要的列
upload-problem-hidden = { $rows } 行全部被隐藏
upload-both = 请选择文件或粘贴手机号，不能同时使用
upload-problem-broken = 无法打开该文件，可能已损坏或设有密码；请另存为 XLSX 或 CSV 后重新上传
upload-wrong-kind-web-page = 该文件实际上是网页（即使扩展名为 .xls），请用 Excel 或 WPS 打开并另存为 .xlsx 后上传
upload-wrong-kind-pdf = 这是 PDF 文档，请将名单导出为 .xlsx 或 CSV
upload-wrong-kind-image = 这是图片，请上传 .xlsx 或 CSV 格式的名单
upload-wrong-kind-open-document = 这是 OpenDocument 文件，请另存为 .xlsx 或 CSV
upload-wrong-kind-other = 该文件不是文本或表格，请另存为 .xlsx 或 CSV
preview-title = 核对号码文件：{ $name }
preview-file = { $name }，{ $size }，{ $rows } 行
preview-sheet = 工作表“{ $name }”
preview-receiving = 正在上传
preview-reading = 正在逐行校验
preview-reading-hint = 您可以离开此页面，校验会继续进行；之后可在发送任务的草稿中找到。
preview-far = 已读取 { $percent }%，{ $rows } 行
preview-unreadable = 无法读取该文件
preview-unreadable-no-rows = 工作表为空
preview-unreadable-hidden = 工作表的行均被隐藏
preview-unreadable-hint = 未发送任何短信。
preview-unreadable-hint-no-rows = 请选择其他工作表或上传其他文件，未发送任何短信。
preview-unreadable-hint-hidden = 隐藏的行您看不到，因此未读取。可以包含隐藏的行，或选择其他工作表、其他文件。未发送任何短信。
preview-read-sheet = 读取该工作表
preview-upload-again = 重新上传
preview-read-gbk = 按 GBK 重新读取
preview-discard = 放弃此号码文件
preview-discarded = 已放弃，号码文件已删除。
preview-verdict = { $aside ->
    [0] { $going } 个号码可以发送
   *[other] { $going } 个号码可以发送，{ $aside } 行不会发送
  }
preview-verdict-provisional = 暂定结果：{ $verdict }
preview-verdicts = 各校验结果的行数
preview-result = 校验结果
preview-rows = 行数
preview-share = 占比
preview-hint = 说明
preview-all-rows = 合计
preview-columns = 列对应
preview-column = 第 { $n } 列
preview-column-name = 文件列
preview-first-row = 首行内容
preview-used-as = 对应
preview-column-used = { $name } 对应
preview-use-phone = 手机号
preview-use-none = 不使用
preview-header = 首行为表头
preview-more = 更换签名、模板或编码
preview-encoding = 编码
preview-delimiter = 分隔符
preview-read-again = 按新设置重新校验
preview-samples = 短信预览
preview-no-sample = 没有可以发送的行。
preview-shortest = 最短：第 { $line } 行，{ $length } 字，{ $parts } 条
preview-longest = 最长：第 { $line } 行，{ $length } 字，{ $parts } 条
preview-random = 随机：第 { $line } 行，{ $length } 字，{ $parts } 条
preview-cost = 费用与用时
preview-parts = 计费条数
preview-several = { $count ->
    [0] 每个号码 1 条
   *[other] { $count } 个号码超过 1 条
  }
preview-price = 预计费用
preview-unit = 每条 ¥{ $price }
preview-no-price = 在项目设置中填写单价后显示
preview-time = 预计用时
preview-duration = { $minutes ->
    [0] { $seconds } 秒
   *[other] { $minutes } 分 { $seconds } 秒
  }
preview-pace = 每秒约 { $pace } 条（{ $calls } 次调用）
preview-carriers = 运营商（按号段）
carrier-cmcc = 中国移动
carrier-ctcc = 中国电信
carrier-cucc = 中国联通
carrier-other = 其他
preview-send = 发送
preview-name = 任务名称
preview-moved = 已按新的发送时间重新核对号码，请核对后确认。
preview-repeats = { $count } 个号码在前后 24 小时内已发送或将发送相同内容，不会发送
preview-repeats-again = 仍向这 { $count } 个号码发送
preview-recount = 重新计算
preview-approval = 号码数超过项目设置的审批阈值，须由其他审批人批准后才会发送。
preview-confirm = 向这 { $count } 个号码发送
preview-confirm-schedule = 定时向这 { $count } 个号码发送
preview-confirm-trial = 先向前 { $count } 个号码发送
preview-confirm-approval = 发起审批：{ $count } 个号码
preview-download = 下载不发送的 { $count } 行
preview-line = 行号
preview-phone = 手机号
preview-why = 原因
preview-row = 原始内容
preview-rejected-all = 不发送的行
preview-done = 任务已发起
preview-done-scheduled = 任务已发起，将按定时时间发送。
preview-nobody = 没有可以发送的号码。
preview-nothing = { $rows } 行均不能发送：{ $why }
preview-nothing-yet = 暂时不能发送
preview-nothing-hint = 请更改上方的设置，或修改文件后重新上传。
preview-answer-first = 请先回答关于该文件的问题
preview-unanswered = 请先回答关于该文件的问题，尚未发送。
preview-changes-checked = 您更改了读取方式，已重新校验，尚未发送。
preview-ask-phone = 要发送到哪一列的手机号？
preview-ask-phone-why = 有多列都是手机号，选择之前不会发送。
preview-ask-phone-use = 使用该列
preview-ask-xls = 请核对旧版 .xls 或 .et 文件
preview-ask-xls-why = 无法读取该格式中的数字格式和隐藏行，日期、百分比和被筛选掉的行可能与 Excel 中显示的不一致。请另存为 .xlsx 后上传；如果文件中只有文本和普通数字且没有隐藏行，也可以直接使用。
preview-ask-xls-accept = 直接使用该文件
preview-unclear = “{ $name }”列有 { $rows } 行未列入发送：无法确定 Excel 如何显示其中的数字
preview-unclear-example = 第 { $line } 行：{ $stored }
preview-unclear-why = 接收人看到的内容应与您看到的一致。请将单元格改为文本后重新上传，或按存储的数值发送。
preview-unclear-accept = 按存储的数值发送
preview-as-stored = “{ $name }”列的数字按存储的数值发送，可能与 Excel 中显示的不一致
preview-as-shown = 按显示的内容读取
preview-placeholders = { $count } 行未列入发送：变量值疑似缺失，例如 null、#N/A、{"{"}name{"}"}
preview-placeholders-send = 仍然发送这 { $count } 行
preview-placeholders-sent = 疑似缺失的变量值（如 null、#N/A）也会发送
preview-placeholders-leave = 不发送这些行
preview-hidden = { $rows ->
    [0] 工作表中有 { $columns } 列被隐藏
   *[other] { $columns ->
        [0] 工作表中有 { $rows } 行被隐藏
       *[other] 工作表中有 { $rows } 行、{ $columns } 列被隐藏
      }
  }
preview-hidden-left = 隐藏的内容您看不到，因此未列入发送。
preview-hidden-read = 已包含隐藏的内容。
preview-hidden-include = 包含隐藏的行和列
preview-choose-sheet = 工作表
preview-sheet-rows = { $name }（{ $rows } 行）
preview-sheet-hidden = { $name }（{ $rows } 行，已隐藏）
preview-titles = 表头上方的内容，不作为数据：
preview-warnings = 发送前请核对以下变量值
preview-warning = { $count } 行：{ $why }
preview-error-phone = 请选择手机号所在的列
preview-error-variable = 请为每个变量选择一列
preview-error-twice = 同一用途对应了两列，请只选择一列
preview-error-name = 请填写任务名称
delimiter-comma = 逗号
delimiter-semicolon = 分号
delimiter-tab = 制表符
delimiter-bar = 竖线
trial-title = 先试发一部分，查看结果后再发送其余号码
trial-first = 试发数量
trial-minutes = 试发后最长等待（分钟）
trial-then = 等待结束后
trial-ask = 由我决定
trial-go = 失败率不超过 { $percent }% 时自动继续
trial-error-first = 试发数量须为 1–1,000
trial-error-minutes = 等待时间须为 0–1,440 分钟
trial-error-percent = 请从列表中选择
verdict-ready = 可发送
verdict-ready-hint = 手机号和变量均正确
verdict-wrong_phone = 手机号无效
verdict-wrong_phone-hint = 位数错误、是固定电话或不是手机号
verdict-wrong_country = 国家/地区不符
verdict-wrong_country-hint = 号码所属国家/地区与模板的适用范围不符
verdict-missing_value = 缺少变量
verdict-missing_value-hint = 有变量为空
verdict-bad_value = 变量有误
verdict-bad_value-hint = 变量含有不可发送的字符
verdict-bad_value-placeholder = 变量值疑似缺失，例如 null、#N/A
verdict-bad_value-unclear = 无法确定 Excel 如何显示其中的数字
verdict-several-hints = { $hint }：{ $count } 行
verdict-too_long = 内容过长
verdict-too_long-hint = 含签名超过 500 字
verdict-duplicate = 重复号码
verdict-duplicate-hint = 同一号码仅保留第一行
verdict-suppressed = 已屏蔽
verdict-suppressed-hint = 号码在退订与黑名单中
verdict-repeat = 24 小时内重复
verdict-repeat-hint = 前后 24 小时内已发送或将发送相同内容
batch-move-title = 发送前核对
batch-move-repeats = { $count } 个号码在该时间前后 24 小时内已发送或将发送相同内容
batch-move-at = 任务将改为 { $when } 发送，目前尚未更改。
batch-move-now = 任务将立即发送，目前尚未更改。
batch-move-anyway = 仍要改期
batch-move-now-anyway = 仍要立即发送
resend-title = 重发未送达的短信
resend-lead = 所选号码将生成新的号码文件，核对并确认后才会发送；相关任务互相关联。
resend-batches = 任务范围
resend-this-batch = 仅此任务
resend-within = { $days ->
    [1] 此模板近 24 小时的任务
   *[other] 此模板近 { $days } 天的任务
  }
resend-sources = 模板、内容和签名相同的 { $count } 个任务
resend-which = 按失败原因选择重发的短信
resend-cause = { $cause }：{ $count } 条
resend-refused = UCloud 未受理
resend-refused-do = 请先处理未受理的原因。
resend-cancelled = 取消时未发送
resend-cancelled-do = 从未发送过。
resend-never = 另有 { $count } 条发往黑名单号码，不可重发。
resend-left-out = 已重发过此短信的号码，以及近 30 天内被运营商列入黑名单的号码，不会进入号码文件。
resend-once-each = 同一号码即使出现在多个任务中，也只发送一条。
resend-newest = 仅包含最近 { $count } 个任务。
resend-nothing-ticked = 请至少选择一个原因。
resend-in-doubt = 不含 { $count } 条待确认的短信，UCloud 可能已受理。
resend-waiting = 不含 { $count } 条尚无结果的短信。
resend-next = 生成号码文件并校验
resend-none = 没有可重发的短信
resend-file = 重发：{ $name }
suppressions-title = 退订与黑名单
suppressions-lead = 本项目不会向这些号码发送短信或营销短信：校验号码文件时排除一次，提交之前再排除一次。
suppressions-search = 手机号或后四位
suppressions-find = 查找
suppressions-empty-title = 名单为空
suppressions-empty = 如有人退订或投诉，请在此添加其号码。
suppressions-not-found = 名单中没有该号码。
suppressions-reason = 原因
suppressions-scope = 屏蔽范围
suppressions-note = 备注
suppressions-by = 添加人
suppressions-at = 添加时间
suppressions-remove = 移出
suppressions-blacklisted = 已加入 UCloud 黑名单
suppressions-export = 下载名单
suppressions-blacklist = 加入 UCloud 黑名单
suppressions-blacklist-hint = 仅加入屏蔽全部短信的号码；加入后，使用本项目的其他程序也不会再向这些号码发送短信，账号下的其他项目不受影响。UCloud 黑名单中的号码只能由 UCloud 移出。
suppressions-add = 加入名单
suppressions-phones-hint = 每行一个，或用逗号分隔
suppressions-file = 或上传文件（CSV、TXT、XLSX、XLS）
suppressions-file-hint = 最大 4 MB，隐藏行也会读取；全部识别或经您确认后才会添加。
suppressions-remove-title = 移出名单？
suppressions-remove-what = 移出后，本控制台可以再次向该号码发送短信。移出原因会写入操作日志。
suppressions-remove-blacklisted = 该号码已加入 UCloud 黑名单，UCloud 仍会拦截发往该号码的短信，须请 UCloud 技术支持移出。
suppressions-remove-perhaps = UCloud 仍可能拦截发往该号码的短信，例如其他程序已将其加入 UCloud 黑名单，须由 UCloud 技术支持移出。
suppressions-why = 移出原因
suppressions-why-missing = 请填写移出原因
suppressions-remove-do = 移出
suppressions-cancel = 不移出
suppression-reply = 回复退订
suppression-complaint = 投诉
suppression-person = 手动添加
suppression-import = 批量导入
suppression-by-console = 本控制台
suppression-scope-all = 全部短信
suppression-scope-marketing = 仅营销短信
suppression-pending = 回复待判定
suppression-error-phones = 有 { $count } 项不是手机号：{ $named }。未添加任何号码，请修改后重试。
suppression-error-no-phones = 文件中没有手机号，未添加任何号码。
suppression-error-busy = 正在读取多个退订名单，此文件尚未读取，未添加任何号码，请 1 分钟后重试。
suppression-error-no-reader = 暂时无法读取文件；您的文件没有问题，未添加任何号码，请 1 分钟后重试。
suppression-error-many-files = 您最近一天上传并保留的文件已达 { $most } 个，未添加任何号码，请先放弃或删除部分文件。
suppression-row-several = 一行中有多个手机号，无法确定要添加哪个
suppression-row-no-phone = 缺少手机号
suppression-import-title = 导入退订名单
suppression-import-waiting = 有 { $count } 个文件待处理，其中的号码尚未添加
suppression-import-ask = 要添加哪些列的手机号？
suppression-import-ask-why = 有多列可能是手机号，请选择一列或多列；选择之前不会添加任何号码。
suppression-import-ask-use = 读取所选列
suppression-import-ask-none = 请至少选择一列
suppression-import-other = 选择其他列
suppression-import-wrong = 有 { $count } 行无法识别，尚未添加任何号码。
suppression-import-wrong-hint = 您可以修改文件后重新上传，也可以先添加有效号码，再下载其余行。
suppression-import-rest = 有 { $count } 行未添加，请下载并修改后重新上传。
suppression-import-new = 待添加号码
suppression-import-added = 已添加号码
suppression-import-there = 已在名单中
suppression-import-duplicates = 文件内重复
suppression-import-rejected = 无法识别的行
suppression-import-columns = 读取的列：{ $names }；包含隐藏行
suppression-import-typed = 包含您输入的 { $count } 个号码
suppression-import-skipped = 以下工作表没有手机号，未读取：{ $names }
suppression-import-add = 添加 { $count } 个有效号码
suppression-import-download = 下载其余 { $count } 行
suppression-import-more = 另有 { $count } 行，请下载查看。
suppression-import-discard = 放弃此文件
suppression-import-delete = 删除此文件
suppression-import-until = 该文件将在以下时间后自动删除：
suppression-import-discarded = 已放弃该文件，未添加任何号码。
suppression-import-deleted = 文件已删除
suppression-import-already = 这些号码此前已添加，未重复添加。
suppression-import-gone = 该文件已不存在：其中的号码已添加，或文件已被放弃。
suppression-added = 已加入 { $added } 个，另有 { $there } 个此前已在名单中。
suppression-removed = 已移出 { $phone }
suppression-removed-blacklisted = 已移出 { $phone }。但该号码已加入 UCloud 黑名单，须请 UCloud 技术支持移出后才能收到短信。
suppressions-blacklist-done = UCloud 已受理 { $added } 个，未受理 { $refused } 个。
suppressions-blacklist-failed = 未能全部加入 UCloud 黑名单：{ $why }。可以重试，不会重复加入。
batch-rules-title = 发送规则
batch-rules-lead = 单价用于预估费用；号码数超过阈值的任务须经审批；失败率过高时任务自动暂停。
batch-rules-price_domestic = 国内短信单价（元/条）
batch-rules-price_domestic-hint = 例如 0.045；修改后自今日起适用于所有类别。留空则不显示费用。
batch-rules-price_international = 国际/港澳台短信单价（元/条）
batch-rules-price_international-hint = 适用于未单独定价的国家和地区。留空则不显示其费用。
batch-rules-prices = 按类别和国家设置单价
batch-rules-approval_over = 审批阈值（号码数）
batch-rules-approval_over-hint = 超过该号码数的任务须审批；留空表示仅营销短信须审批
batch-rules-failure_percent = 失败率达到（%）自动暂停
batch-rules-failure_percent-hint = 1–100
batch-rules-failure_least = 自动暂停所需的最少结果数
batch-rules-failure_least-hint = 已有结果的短信过少时，失败率不具参考性
batch-rules-wrong = 请填写范围内的数字
