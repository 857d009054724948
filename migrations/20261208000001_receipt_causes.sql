-- Causes that receipts were stored with before the table of codes was sorted again: the same receipt means the same
-- before and after the upgrade. Codes whose old cause now means different things at different carriers stay.
with moved as (
  select was, cause, unnest(codes) as code
  from (values
  ('arrears', 'channel', array[
    '-10', '162', 'CB:0001', 'JL:0015', 'SMGPERR:50', 'SMGPERR:55', 'SPMSERR:162', 'YX:5009']),
  ('arrears', 'frequency', array[
    'JL:0019']),
  ('arrears', 'not_provisioned', array[
    'SMGPERR:52']),
  ('arrears', 'suspended', array[
    'SMGPERR:54']),
  ('blacklist', 'channel', array[
    '-102', '-109', 'DB:0140', 'ID:0140']),
  ('blacklist', 'content', array[
    '2', 'GB:0013']),
  ('blacklist', 'frequency', array[
    'MA:0022', 'ST1RESP:29']),
  ('blacklist', 'powered_off', array[
    'SGIP:10']),
  ('blacklist', 'signature', array[
    'DI:9431']),
  ('carrier_unspecified', 'arrears', array[
    'MB:1040']),
  ('carrier_unspecified', 'channel', array[
    '-101', '-11', '-14', '34', '38', '66', '873', 'DB:0113', 'DB:0126', 'DB:0154', 'DB:0503',
    'DB:0504', 'DI:0145', 'E:APP', 'E:DISPR', 'HD:28', 'IB:0010', 'ID:0014', 'ID:0063', 'ID:0077',
    'ID:0113', 'ID:0126', 'ID:0312', 'ID:0315', 'MB:0003', 'MB:0005', 'MB:0006', 'MB:0020', 'MB:0066',
    'MB:0067', 'MB:0068', 'MB:1026', 'MB:1039', 'MB:1048', 'MB:1060', 'MB:1062', 'MB:1065', 'MI:0090',
    'MI:0099', 'MK:0054', 'MK:0067', 'MK:0160', 'MO:NNNN', 'SGIP:221', 'SMGPERR:116', 'SMGPERR:12',
    'SMGPERR:31', 'SMGPERR:38', 'SPMSERR:14', 'SPMSERR:140', 'YB:9911', 'YY:0206']),
  ('carrier_unspecified', 'content', array[
    'M2:0006', 'MA:0012', 'MM:0174', 'X:8019']),
  ('carrier_unspecified', 'expired', array[
    'SMGPERR:37']),
  ('carrier_unspecified', 'frequency', array[
    '-108', '-131', '-180', '-99', 'CL26:-15', 'CL26:-37', 'DB:0142', 'DB:0143', 'E:ODML', 'E:ODSL',
    'E:ODWL', 'HD:21', 'HD:31', 'ID:0142', 'ID:0143', 'JL:0018', 'JL:0020', 'JL:0021', 'LH:0008',
    'M2:0043', 'MY:0004', 'S:8', 'YX:8013']),
  ('carrier_unspecified', 'handset', array[
    '-43', '713', '92:00:00', 'MK:0016', 'NOPASS', 'SMGP627', 'SMGP726']),
  ('carrier_unspecified', 'invalid_number', array[
    '-115', '-118', '5:00', 'MK:1004', 'MK:2000', 'MX:0010', 'TD:18']),
  ('carrier_unspecified', 'not_provisioned', array[
    'DB:0129', 'ID:0129']),
  ('carrier_unspecified', 'number_portability', array[
    'MB:1049']),
  ('carrier_unspecified', 'powered_off', array[
    '301', '721', 'CL32：1', 'CL32：2', 'R:00002', 'R:00009', 'R:00017', 'R:00019', 'R:00020', 'R:00022',
    'R:00027', 'R:00035', 'R:00041', 'R:00044', 'R:00045', 'R:00048', 'R:00050', 'R:00051', 'R:00053',
    'R:00054', 'R:00055', 'R:00057', 'R:00058', 'R:00059', 'R:00064', 'R:00067', 'R:00069', 'R:00070',
    'R:00072', 'R:00073', 'R:00075', 'R:00079', 'R:00083', 'R:00085', 'R:00086', 'R:00088', 'R:00089',
    'R:00092', 'R:00096', 'R:00098', 'R:00099', 'R:00106', 'R:00181', 'R:00210', 'R:00230', 'R:00245',
    'R:00253', 'R:00254', 'R:00605', 'R:00612', 'R:00613', 'R:00615', 'R:00617', 'R:00619', 'R:00627',
    'R:00634', 'R:00636', 'R:00650', 'R:00680', 'R:00704', 'R:00706', 'R:00708', 'R:00711', 'R:00713',
    'R:00714', 'R:00718', 'R:00721', 'R:00726', 'R:00761', 'R:00762', 'R:00763', 'R:00764', 'R:00771',
    'R:00779', 'R:00802', 'R:00814', 'R:00817', 'R:00827', 'R:00875', 'R:00899', 'R:04442']),
  ('carrier_unspecified', 'quiet_hours', array[
    'AP:16', 'DB:0139', 'ID:0139']),
  ('carrier_unspecified', 'suspended', array[
    '1002', 'MK:0004', 'R:04300']),
  ('channel', 'carrier_unspecified', array[
    '1100', '200', '300', '400', 'CL32：4', 'CNN:0', 'CNN:5', 'MK', 'OTHER MH：NNNN', 'SMGPERR:117',
    'SMGPERR:117-255', 'UNKNOWN MM：NNNN']),
  ('channel', 'content', array[
    '6', 'DB:0007', 'ID:0006', 'MB:0001', 'MB:0002']),
  ('channel', 'frequency', array[
    'MK:0079', 'S:13', 'SGIP:18']),
  ('channel', 'handset', array[
    '174', 'MK:0015', 'MK:0210']),
  ('channel', 'invalid_number', array[
    'JL:0002', 'MN:0011', 'MX:0010', 'SGIP:6', 'SMGP701']),
  ('channel', 'not_provisioned', array[
    'CMPP30ERR:', 'CMPP30ERR:169', 'CMPP30ERR：169']),
  ('channel', 'powered_off', array[
    'SPMSERR:30', 'SPMSERR:301']),
  ('channel', 'quiet_hours', array[
    'ID:0044']),
  ('channel', 'suspended', array[
    'CB:0005', 'ID:0056']),
  ('content', 'carrier_unspecified', array[
    'MC、MI']),
  ('content', 'channel', array[
    '10006']),
  ('content', 'signature', array[
    'CJ:007', 'E:SIGN', 'MF:9027', 'NOSEND', 'ZZ:9020']),
  ('expired', 'channel', array[
    '10003', '3', '5300', '76', 'CA:0054', 'CL26:-99', 'DA:0054', 'DB:0150', 'IA:0054', 'ID:0055',
    'ID:0073', 'ID:0075', 'ID:0088', 'MA:0026', 'MB:0098', 'MB:1082', 'MO:0254', 'ROUTEERR', 'SGIP:111',
    'SGIP:75', 'SMGPERR:3', 'SPMSERR:146', 'YX:1002', 'YX:1003', 'YX:1004', 'YX:1005', 'YX:4002',
    'YX:5008', 'YX:8017', 'YX:9013']),
  ('expired', 'invalid_number', array[
    'MI:0010']),
  ('expired', 'quiet_hours', array[
    'ERRTIME']),
  ('expired', 'suspended', array[
    '8']),
  ('frequency', 'channel', array[
    '1', '12', '255', '3', '61:00:00', 'CMPP20ERR:8', 'DB:0006', 'DI:9909', 'IB:0003', 'ID:0003',
    'ID:0008', 'ID:0081', 'ID:0085', 'ID:0086', 'ID:0087', 'ID:0311', 'MB:1070', 'MK:0018', 'MK:0061',
    'MK:0062', 'MK:0192', 'SGIP:11', 'SGIP:81', 'SGIP:85', 'SGIP:87', 'SGIP:88', 'SGIP:9', 'SME134',
    'SME8', 'SMGP624', 'SMGPERR:1', 'YX:5010']),
  ('frequency', 'content', array[
    'IB:0006']),
  ('frequency', 'powered_off', array[
    '302', '822', 'SPMSERR:302']),
  ('handset', 'channel', array[
    '66', 'MB:1024']),
  ('invalid_number', 'channel', array[
    '137', '166', '46', 'CMPP20ERR:11', 'DB:0137', 'ID:0065', 'ID:0067', 'ID:0137', 'MB:0051',
    'MB:0080', 'MB:0081', 'MM:0000', 'S:4', 'SGIP:102', 'SGIP:103', 'SMGPERR:46', 'SPMSERR:137',
    'SPMSERR:166']),
  ('invalid_number', 'powered_off', array[
    '12', '809', 'CU开头的', 'MI:XXXX', 'MN:XXXX', 'R:00002', 'R:00006', 'R:00009', 'R:00017', 'R:00019',
    'R:00020', 'R:00022', 'R:00027', 'R:00035', 'R:00041', 'R:00044', 'R:00045', 'R:00048', 'R:00050',
    'R:00051', 'R:00053', 'R:00054', 'R:00055', 'R:00057', 'R:00058', 'R:00059', 'R:00064', 'R:00067',
    'R:00069', 'R:00070', 'R:00072', 'R:00073', 'R:00075', 'R:00079', 'R:00083', 'R:00085', 'R:00086',
    'R:00088', 'R:00089', 'R:00092', 'R:00096', 'R:00098', 'R:00099', 'R:00106', 'R:00181', 'R:00210',
    'R:00230', 'R:00245', 'R:00253', 'R:00254', 'R:00602', 'R:00605', 'R:00612', 'R:00613', 'R:00615',
    'R:00617', 'R:00619', 'R:00627', 'R:00634', 'R:00636', 'R:00650', 'R:00680', 'R:00704', 'R:00706',
    'R:00708', 'R:00711', 'R:00713', 'R:00714', 'R:00718', 'R:00721', 'R:00726', 'R:00761', 'R:00762',
    'R:00763', 'R:00764', 'R:00771', 'R:00779', 'R:00802', 'R:00814', 'R:00817', 'R:00827', 'R:00875',
    'R:00899', 'R:04442', 'UNDELIV:701', 'UNDELIV:801', 'UNDELIV:802', 'UNDELIVRD', 'UNDELIV_701',
    'UNDELIV_802']),
  ('invalid_number', 'suspended', array[
    '11', '17', '601', '825', '998', 'MK:0005', 'MK:0115', 'R:00056', 'R:00168', 'R:00614', 'R:00701',
    'R:00801', 'R:04300', 'SMGP601', 'SMGP801']),
  ('not_provisioned', 'carrier_unspecified', array[
    '1200']),
  ('not_provisioned', 'channel', array[
    '10001', '105', '135', '68', '73', 'DB:0105', 'DB:0135', 'DB:0155', 'IB:0007', 'IB:0079', 'IB:0194',
    'ID:0007', 'ID:0079', 'ID:0105', 'ID:0135', 'ID:0313', 'MA:0025', 'MB:0193', 'MB:0241', 'MB:0244',
    'MB:0250', 'MB:1037', 'MB:1057', 'MB:1080', 'MK:0025', 'MK:0064', 'MK:0068', 'MO:200', 'MX:0008',
    'SGIP:105', 'SGIP:79', 'SMGP609', 'SMGPERR:43', 'SPMSERR:105', 'SPMSERR:135', 'SPMSERR:141',
    'TIMEOUT']),
  ('powered_off', 'channel', array[
    'ID:6153', 'MK:0049', 'MK:0065']),
  ('powered_off', 'not_provisioned', array[
    '102', '215']),
  ('quiet_hours', 'channel', array[
    '45', 'SMGPERR:45']),
  ('quiet_hours', 'content', array[
    'DI:9424', 'YX:9424']),
  ('signature', 'channel', array[
    '-111', '34', '43', '49', '64', '66', 'AP:7', 'DB:0002', 'DB:0106', 'E:EXT', 'IB:0070', 'ID:0002',
    'ID:0064', 'ID:0066', 'ID:0106', 'ID:0314', 'JL:0012', 'MB:0010', 'MB:0072', 'MB:0073', 'MB:1061',
    'R2:0010', 'R2:0011', 'SGIP:64', 'SGIP:66', 'SPMSERR:106']),
  ('signature', 'content', array[
    'YX:9426']),
  ('suspended', 'channel', array[
    '108', 'DB:0108', 'DB:0114', 'ID:0108', 'ID:0114', 'MB:1035', 'MK:0066', 'SPMSERR:108',
    'SPMSERR:114']),
  ('suspended', 'invalid_number', array[
    '107', 'ID:0021']),
  ('suspended', 'powered_off', array[
    '134', '602 ERR', '605', '606', '607', '608', '610', '616', '622', '624', '625', '629', '630',
    '631', '646', '709', '712', '714', '716', '717', '719', '730', '762', '763', '764', '766', '806',
    '810', '812', '813', '816', '817', '818', '819', '820', '827', '834', '836', '899', '9', 'MC:0001',
    'MI:0015', 'MI:0044', 'MI:0050', 'MI:0053', 'MI:0068', 'MI:0075', 'MI:0080', 'MI:0098', 'MK:0012',
    'MK:0150', 'SGIP:98', 'SME28', 'SMGPERR:134'])
  ) as moves (was, cause, codes)
), found as (
  -- once per code, words and cause
  select distinct on (r.code, r.description, m.cause) r.id, m.cause
  from moved m join reasons r on upper(r.code) = m.code and r.category = m.was
  where not exists (
    select from reasons known
    where known.code = r.code and known.description = r.description and known.category = m.cause)
  order by r.code, r.description, m.cause, r.id
)
update reasons r set category = found.cause from found where r.id = found.id;
